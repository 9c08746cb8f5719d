#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace nodepool::test {

/// A real Redis server of this test's own: on a free port and a Unix socket, in a temporary folder. It dies
/// with the test.
class RedisServer {
 public:
  /// Started and ready; throws std::runtime_error with the server's log if it does not start. `settings`:
  /// further arguments such as "--requirepass", "x"; with "--tls-cert-file" it has a port for TLS too.
  /// `environment`: "NAME=value" on top of ours.
  explicit RedisServer(std::vector<std::string> settings = {}, std::vector<std::string> environment = {});
  /// A Sentinel; the lines of its file, without its port.
  struct SentinelFile {
    std::string text;
  };
  explicit RedisServer(SentinelFile file);
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::uint16_t tls_port() const { return tls_port_; }
  [[nodiscard]] std::string socket_path() const { return folder_ + "/redis.sock"; }
  [[nodiscard]] std::string url() const;       ///< redis://127.0.0.1:<port>
  [[nodiscard]] std::string unix_url() const;  ///< unix://<socket>
  [[nodiscard]] pid_t pid() const { return pid_; }

  void kill();  ///< As a crash: nothing is saved.
  /// After `kill`: on the same port, from the file last saved if any.
  void start();
  void forget_data();  ///< Removes the saved file of a killed server.
  void freeze();       ///< SIGSTOP: connections are taken by the kernel, nothing answers.
  void thaw();

  /// One command on a connection of its own, as the default user; the reply as text, one item a line, errors
  /// with a "-" in front.
  [[nodiscard]] std::string command(const std::vector<std::string>& arguments) const;

 private:
  [[nodiscard]] bool is_ready() const;
  void start_somewhere();
  [[nodiscard]] std::vector<std::string> command_line() const;
  void launch();
  void reap();

  std::string folder_;
  std::string sentinel_file_;  ///< Its path; empty: no Sentinel.
  std::vector<std::string> settings_;
  std::vector<std::string> environment_;
  std::string password_;
  std::uint16_t port_ = 0;
  std::uint16_t tls_port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace nodepool::test
