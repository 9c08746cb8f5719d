#include "cli/parts/nursery.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "cli/parts/execution.hpp"
#include "cli/parts/process_tree.hpp"

namespace nodepool::cli {
namespace {

using driver::Descriptor;

/// What a request hands over, in this order.
enum Handed : std::size_t { kOrders, kCommand, kInput, kOutput, kHandedCount };
using Descriptors = std::array<Descriptor, kHandedCount>;

/// Room for the descriptors of one message, aligned as the kernel has it.
union Control {
  cmsghdr header;
  std::array<char, CMSG_SPACE(sizeof(int) * kHandedCount)> bytes;
};

tl::unexpected<Error> short_of_means() {
  return failure(ErrorCode::unavailable,
                 fmt::format("a command could not be started ({})", std::generic_category().message(errno)));
}

/// A file in memory that holds the text, to be read from its beginning.
Descriptor file_of(std::string_view text) {
  Descriptor file(::memfd_create("nodepool-command", MFD_CLOEXEC));
  while (file && !text.empty()) {
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    if (written <= 0) return {};
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (file) ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

std::string text_in(const Descriptor& file) {
  std::string text;
  std::array<char, 65'536> part{};
  for (ssize_t size = 0; (size = ::read(file.get(), part.data(), part.size())) > 0;)
    text.append(part.data(), static_cast<std::size_t>(size));
  return text;
}

/// Texts one after the other, each with its length in front of it.
class Packer {
 public:
  void add(std::string_view text) {
    const auto size = static_cast<std::uint64_t>(text.size());
    packed_.append(reinterpret_cast<const char*>(&size), sizeof size).append(text);
  }
  void add(const std::vector<std::string>& texts) {
    add(std::to_string(texts.size()));
    for (const std::string& text : texts) add(text);
  }
  [[nodiscard]] const std::string& packed() const noexcept { return packed_; }

 private:
  std::string packed_;
};

/// Reads what a Packer of this same program has made.
class Unpacker {
 public:
  explicit Unpacker(std::string_view packed) : rest_(packed) {}
  std::string text() {
    std::uint64_t size = 0;
    std::memcpy(&size, rest_.data(), std::min(sizeof size, rest_.size()));
    rest_.remove_prefix(std::min(sizeof size, rest_.size()));
    std::string text(rest_.substr(0, size));
    rest_.remove_prefix(std::min<std::size_t>(size, rest_.size()));
    return text;
  }
  std::vector<std::string> texts() {
    std::vector<std::string> texts(std::strtoull(text().c_str(), nullptr, 10));
    for (std::string& each : texts) each = text();
    return texts;
  }

 private:
  std::string_view rest_;
};

std::string packed(const GuardedCommand& command) {
  Packer packer;
  packer.add(command.words);
  packer.add(command.environment);
  packer.add(command.user);
  packer.add(command.directory);
  return packer.packed();
}

bool hand_over(int socket, const Descriptors& descriptors) {
  char nothing = 0;
  iovec data{&nothing, sizeof nothing};
  Control control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int) * kHandedCount);
  std::array<int, kHandedCount> numbers{};
  for (std::size_t each = 0; each < kHandedCount; ++each) numbers[each] = descriptors[each].get();
  std::memcpy(CMSG_DATA(header), numbers.data(), sizeof numbers);
  ssize_t sent = -1;
  do sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent == 1;
}

/// None if nobody hands over anything any more.
std::optional<Descriptors> take_over(int socket) {
  char nothing = 0;
  iovec data{&nothing, sizeof nothing};
  Control control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  if (::recvmsg(socket, &message, MSG_CMSG_CLOEXEC) <= 0) return std::nullopt;
  std::array<int, kHandedCount> numbers{};
  numbers.fill(-1);
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_len == CMSG_LEN(sizeof numbers))
    std::memcpy(numbers.data(), CMSG_DATA(header), sizeof numbers);
  Descriptors descriptors;
  for (std::size_t each = 0; each < kHandedCount; ++each) descriptors[each] = Descriptor(numbers[each]);
  return descriptors;
}

/// The life of the nursery's process.
class NurseryLife {
 public:
  NurseryLife(Descriptor socket, const sigset_t& mask) : socket_(std::move(socket)), mask_(mask) {}
  [[noreturn]] void live();

 private:
  void fork_guardian(Descriptors handed);
  void reap();

  Descriptor socket_;
  const sigset_t mask_;
  std::vector<pid_t> guardians_;
};

void NurseryLife::live() {
  ::prctl(PR_SET_NAME, "nodepool-nurse");
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // Of a guardian's children, should it be killed.
  // What was open when nodepool was started is no business of the commands.
  ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  ::setpgid(0, 0);  // A Ctrl-C is not meant for it.
  sigset_t signals;
  ::sigfillset(&signals);
  ::pthread_sigmask(SIG_SETMASK, &signals, nullptr);
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGCHLD);
  const Descriptor ended(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  while (true) {
    const auto readable =
        driver::wait_readable(socket_.get(), ended.get(), BootClock::now() + std::chrono::hours(1));
    signalfd_siginfo ignored{};
    while (readable.second && ::read(ended.get(), &ignored, sizeof ignored) == sizeof ignored) {
    }
    reap();
    if (!readable.first) continue;
    auto handed = take_over(socket_.get());
    if (!handed) ::_exit(0);
    fork_guardian(*std::move(handed));
  }
}

void NurseryLife::fork_guardian(Descriptors handed) {
  const pid_t guardian = ::fork();
  if (guardian != 0) {
    const JobReport report{guardian > 0 ? JobReport::Kind::guarding : JobReport::Kind::not_started,
                           guardian > 0 ? guardian : errno};
    if (guardian > 0) guardians_.push_back(guardian);
    ::send(handed[kOrders].get(), &report, sizeof report, MSG_DONTWAIT | MSG_NOSIGNAL);
    return;
  }
  socket_.reset();
  const std::string text = text_in(handed[kCommand]);
  handed[kCommand].reset();
  Unpacker unpacker(text);
  JobCommand command{.words = unpacker.texts(),
                     .signal_mask = mask_,
                     .environment = unpacker.texts(),
                     .user = unpacker.text(),
                     .directory = unpacker.text(),
                     .input = handed[kInput].get(),
                     .output = handed[kOutput].get()};
  guard_jobs(handed[kOrders].get(), command);
}

/// Whoever is left behind by a guardian that was killed is killed too.
void NurseryLife::reap() {
  pid_t child = 0;
  bool died = false;
  while ((child = ::waitpid(-1, nullptr, WNOHANG)) > 0) died |= std::erase(guardians_, child) > 0;
  if (!died) return;
  std::vector<ChildProcess> left = children();
  std::erase_if(left, [this](const ChildProcess& process) {
    return std::ranges::find(guardians_, process.pid) != guardians_.end();
  });
  signal_groups_of(left, SIGKILL);
}

}  // namespace

Result<Nursery> Nursery::make(const sigset_t& mask) {
  std::array<int, 2> sockets{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets.data()) != 0) return short_of_means();
  Descriptor ours(sockets[0]);
  Descriptor theirs(sockets[1]);
  const pid_t process = ::fork();
  if (process < 0) return short_of_means();
  if (process == 0) {
    ours.reset();
    NurseryLife(std::move(theirs), mask).live();
  }
  return Nursery(std::move(ours), process);
}

Nursery::Nursery(Descriptor socket, pid_t process) noexcept : socket_(std::move(socket)), process_(process) {}

Nursery::Nursery(Nursery&& other) noexcept
    : socket_(std::move(other.socket_)), process_(std::exchange(other.process_, 0)) {}

Nursery::~Nursery() {
  socket_.reset();
  if (process_ > 0) ::waitpid(process_, nullptr, 0);
}

Result<Nursery::Guarded> Nursery::guard(const GuardedCommand& command) {
  std::array<int, 2> sockets{-1, -1};
  std::array<int, 2> pipe{-1, -1};
  const bool made = ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets.data()) == 0 &&
                    ::pipe2(pipe.data(), O_CLOEXEC) == 0;
  Guarded guarded{Descriptor(sockets[0]), Descriptor(pipe[0])};
  Descriptors handed;
  handed[kOrders] = Descriptor(sockets[1]);
  handed[kOutput] = Descriptor(pipe[1]);
  if (!made) return short_of_means();
  handed[kCommand] = file_of(packed(command));
  handed[kInput] = file_of(command.input);
  if (!handed[kCommand] || !handed[kInput]) return short_of_means();
  ::fcntl(guarded.output.get(), F_SETFL, O_NONBLOCK);
  const std::lock_guard lock(mutex_);
  if (hand_over(socket_.get(), handed)) return guarded;
  return failure(ErrorCode::internal, kNoNursery);
}

bool Nursery::is_gone() {
  const std::lock_guard lock(mutex_);
  if (process_ > 0 && ::waitpid(process_, nullptr, WNOHANG) == process_) process_ = 0;
  return process_ == 0;
}

}  // namespace nodepool::cli
