#include "support/redis_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>

#include "driver/redis/resp_codec.hpp"
#include "driver/redis/transport.hpp"

namespace nodepool::test {
namespace {

using redis::Reply;

constexpr std::chrono::seconds kPatience{15};

std::string make_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "nodepool-redis-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder for the Redis server");
  return name;
}

/// Whether nobody listened on the port a moment ago.
bool is_free(unsigned port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool free = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  ::close(fd);
  return free;
}

/// A free port below those that the kernel gives to clients, so that no connection takes the port of a server
/// that is down for a moment. The server is started on another one if somebody is faster. A cluster's nodes
/// talk to each other on the one that is greater by 10000.
std::uint16_t free_port(bool in_cluster) {
  constexpr unsigned kBusOffset = 10000;
  constexpr int kAttempts = 1000;
  std::random_device random;
  std::uniform_int_distribution<unsigned> ports(10000, 22700);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const unsigned port = ports(random);
    if (is_free(port) && (!in_cluster || is_free(port + kBusOffset))) return static_cast<std::uint16_t>(port);
  }
  throw std::runtime_error("no free port for the Redis server");
}

/// The server's program: NODEPOOL_REDIS_SERVER, or redis-server. The package redis-tools contains it under
/// the name of another tool, which behaves as the server if it is called by the server's name.
std::string server_program(const std::string& folder) {
  if (const char* chosen = std::getenv("NODEPOOL_REDIS_SERVER")) return chosen;
  std::istringstream path(std::getenv("PATH") == nullptr ? "/usr/bin" : std::getenv("PATH"));
  for (std::string part; std::getline(path, part, ':');) {
    if (::access((part + "/redis-server").c_str(), X_OK) == 0) return part + "/redis-server";
  }
  const std::string link = folder + "/redis-server";
  if (!std::filesystem::exists(std::filesystem::symlink_status(link))) {
    std::filesystem::create_symlink("/usr/bin/redis-check-rdb", link);
  }
  return link;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void append_text(const Reply& reply, std::string& text) {
  switch (reply.kind) {
    case Reply::Kind::nil:
      text += "(nil)\n";
      return;
    case Reply::Kind::integer:
      text += std::to_string(reply.integer) + "\n";
      return;
    case Reply::Kind::text:
      text += reply.text + "\n";
      return;
    case Reply::Kind::error:
      text += "-" + reply.text + "\n";
      return;
    case Reply::Kind::array:
      for (const Reply& item : reply.items) append_text(item, text);
      return;
  }
}

}  // namespace

RedisServer::RedisServer(std::vector<std::string> settings, std::vector<std::string> environment)
    : folder_(make_folder()), settings_(std::move(settings)), environment_(std::move(environment)) {
  const auto found = std::ranges::find(settings_, "--requirepass");
  if (found != settings_.end()) password_ = *std::next(found);
  start_somewhere();
}

RedisServer::RedisServer(SentinelFile file)
    : folder_(make_folder()), sentinel_file_(folder_ + "/sentinel.conf") {
  std::ofstream(sentinel_file_) << file.text;
  start_somewhere();
}

void RedisServer::start_somewhere() {
  const bool in_cluster = std::ranges::find(settings_, "--cluster-enabled") != settings_.end();
  for (int attempt = 1;; ++attempt) {
    port_ = free_port(in_cluster);
    if (std::ranges::find(settings_, "--tls-cert-file") != settings_.end()) tls_port_ = free_port(false);
    try {
      start();
      return;
    } catch (const std::runtime_error&) {
      if (attempt == 3) {
        std::filesystem::remove_all(folder_);
        throw;
      }
    }
  }
}

RedisServer::~RedisServer() {
  kill();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string RedisServer::url() const {
  return fmt::format("redis://127.0.0.1:{}", port_);
}

std::string RedisServer::unix_url() const {
  return fmt::format("unix://{}", socket_path());
}

void RedisServer::start() {
  launch();
  const auto deadline = BootClock::now() + kPatience;
  while (!is_ready()) {
    const bool gone = ::waitpid(pid_, nullptr, WNOHANG) == pid_;
    if (gone) pid_ = -1;
    if (gone || BootClock::now() > deadline) {
      kill();
      throw std::runtime_error("the Redis server did not start: " + read_file(folder_ + "/log"));
    }
    ::poll(nullptr, 0, 2);
  }
}

std::vector<std::string> RedisServer::command_line() const {
  std::vector<std::string> arguments{server_program(folder_)};
  if (!sentinel_file_.empty()) arguments.push_back(sentinel_file_);
  for (const std::string& argument :
       {std::string("--port"), std::to_string(port_), std::string("--bind"), std::string("127.0.0.1"),
        std::string("--dir"), folder_, std::string("--logfile"), folder_ + "/log"}) {
    arguments.push_back(argument);
  }
  if (!sentinel_file_.empty()) {
    arguments.emplace_back("--sentinel");
    return arguments;
  }
  for (const std::string& argument :
       {std::string("--save"), std::string(), std::string("--unixsocket"), socket_path()}) {
    arguments.push_back(argument);
  }
  if (tls_port_ != 0) arguments.insert(arguments.end(), {"--tls-port", std::to_string(tls_port_)});
  arguments.insert(arguments.end(), settings_.begin(), settings_.end());
  return arguments;
}

void RedisServer::launch() {
  std::vector<std::string> arguments = command_line();
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  std::vector<char*> environment;
  for (std::string& variable : environment_) environment.push_back(variable.data());
  for (char** variable = environ; *variable != nullptr; ++variable) environment.push_back(*variable);
  environment.push_back(nullptr);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork failed");
  if (pid_ > 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  ::execve(pointers[0], pointers.data(), environment.data());
  ::_exit(127);
}

/// Another test's server may answer on the port, if it was faster.
bool RedisServer::is_ready() const {
  const std::string ours = fmt::format("\nprocess_id:{}\r\n", pid_);
  return command({"PING"}) == "PONG\n" && command({"INFO", "server"}).find(ours) != std::string::npos;
}

void RedisServer::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  reap();
}

void RedisServer::reap() {
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void RedisServer::forget_data() {
  std::filesystem::remove(folder_ + "/dump.rdb");
}

void RedisServer::freeze() {
  ::kill(pid_, SIGSTOP);
}

void RedisServer::thaw() {
  ::kill(pid_, SIGCONT);
}

std::string RedisServer::command(const std::vector<std::string>& arguments) const {
  const redis::Endpoint endpoint{.host = "127.0.0.1", .port = port_};
  const auto deadline = BootClock::now() + std::chrono::seconds(5);
  redis::Resolver resolver;
  auto transport = redis::Transport::connect(*resolver.resolve(endpoint, deadline), deadline);
  if (!transport) return "-" + transport.error().message;
  std::string bytes = redis::encode_command(arguments);
  std::size_t skipped = 0;
  if (!password_.empty()) {
    bytes.insert(0, redis::encode_command({"AUTH", password_}));
    skipped = 1;
  }
  if (auto sent = transport->send(bytes, deadline); !sent) return "-" + sent.error().message;
  redis::ReplyReader reader;
  std::array<char, 4096> buffer{};
  while (true) {
    const auto reply = reader.next();
    if (!reply) return "-" + reply.error().message;
    if (reply->has_value() && skipped-- == 0) {
      std::string text;
      append_text(**reply, text);
      return text;
    }
    if (reply->has_value()) continue;
    const auto received = transport->receive(buffer, deadline);
    if (!received) return "-" + received.error().message;
    reader.feed({buffer.data(), *received});
  }
}

}  // namespace nodepool::test
