#include "cli/parts/nursery.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <poll.h>
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
enum Handed : std::size_t { kOrders, kCommand, kInput, kOutput, kWitness, kHandedCount };
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

/// 0, or errno: EAGAIN if there is no room at present.
int hand_over(int socket, const Descriptors& descriptors) {
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
  return ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 ? 0 : errno;
}

/// There is room for a hundred requests at least: so if there is none for long, the nursery does not get to
/// run. (ETOOMANYREFS: the kernel bounds the descriptors that are on their way.)
Result<void> ask(int socket, const Descriptors& descriptors) {
  constexpr std::chrono::seconds kPatience{1};
  constexpr int kBetweenRequests = 2;  // ms
  const MonotonicTime deadline = BootClock::now() + kPatience;
  while (true) {
    const int error = hand_over(socket, descriptors);
    if (error == 0) return {};
    if (error != EAGAIN && error != EINTR && error != ETOOMANYREFS)
      return failure(ErrorCode::internal, kNoNursery);
    if (BootClock::now() >= deadline) return failure(ErrorCode::unavailable, kFrozenNursery);
    ::poll(nullptr, 0, kBetweenRequests);
  }
}

/// None if there is nothing at present (errno is EAGAIN), or nobody hands over anything any more.
std::optional<Descriptors> take_over(int socket) {
  char nothing = 0;
  iovec data{&nothing, sizeof nothing};
  Control control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  const ssize_t size = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (size == 0) errno = ECONNRESET;
  if (size <= 0) return std::nullopt;
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
  /// A guardian, and what ends with it and with all that it has left behind.
  struct Kept {
    pid_t guardian = 0;
    Descriptor witness;
  };
  void begin();
  void wait();
  void take_requests();
  void fork_guardian(Descriptors handed);
  void reap();
  void clear_away();

  Descriptor socket_;  ///< None once nobody asks any more.
  const sigset_t mask_;
  Descriptor ended_;  ///< Readable when a child has ended.
  std::vector<Kept> kept_;
  std::vector<Kept> lost_;  ///< Ended before their time: what they have left behind is to be killed.
};

void NurseryLife::live() {
  constexpr std::chrono::seconds kFarewell{3};
  begin();
  MonotonicTime end = MonotonicTime::max();
  while (BootClock::now() < end) {
    wait();
    reap();
    clear_away();
    take_requests();
    if (!socket_ && kept_.empty() && lost_.empty()) break;
    if (!socket_) end = std::min<MonotonicTime>(end, BootClock::now() + kFarewell);
  }
  ::_exit(0);
}

void NurseryLife::begin() {
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
  ended_ = Descriptor(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

void NurseryLife::wait() {
  constexpr std::chrono::milliseconds kBetweenRounds{5};
  const bool busy = !lost_.empty();
  (void)driver::wait_readable(
      socket_.get(), ended_.get(),
      BootClock::now() + (busy ? kBetweenRounds : std::chrono::milliseconds(std::chrono::seconds(1))));
  signalfd_siginfo ignored{};
  while (::read(ended_.get(), &ignored, sizeof ignored) == sizeof ignored) {
  }
}

void NurseryLife::take_requests() {
  while (socket_) {
    auto handed = take_over(socket_.get());
    if (handed) {
      fork_guardian(*std::move(handed));
    } else if (errno == EAGAIN || errno == EINTR) {
      return;
    } else {
      socket_.reset();
    }
  }
}

void NurseryLife::fork_guardian(Descriptors handed) {
  const pid_t guardian = ::fork();
  if (guardian != 0) {
    const JobReport report{guardian > 0 ? JobReport::Kind::guarding : JobReport::Kind::not_started,
                           guardian > 0 ? guardian : errno};
    ::send(handed[kOrders].get(), &report, sizeof report, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (guardian > 0) kept_.push_back({guardian, std::move(handed[kWitness])});
    return;
  }
  for (Descriptor* ours : {&socket_, &ended_, &handed[kWitness]}) ours->reset();
  kept_.clear();
  lost_.clear();
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

void NurseryLife::reap() {
  pid_t child = 0;
  int status = 0;
  while ((child = ::waitpid(-1, &status, WNOHANG)) > 0) {
    const auto kept = std::ranges::find(kept_, child, &Kept::guardian);
    if (kept == kept_.end()) continue;
    if (status != 0) lost_.push_back(std::move(*kept));
    kept_.erase(kept);
  }
}

/// Whoever is killed leaves its own children to us: repeated until there are none.
void NurseryLife::clear_away() {
  if (lost_.empty()) return;
  std::vector<ChildProcess> left = children();
  std::erase_if(left, [this](const ChildProcess& process) {
    return std::ranges::find(kept_, process.pid, &Kept::guardian) != kept_.end();
  });
  if (left.empty()) return lost_.clear();
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
  constexpr std::chrono::seconds kPatience{4};
  constexpr int kBetweenLooks = 2;  // ms
  socket_.reset();
  const MonotonicTime deadline = BootClock::now() + kPatience;
  while (!is_gone()) {
    if (BootClock::now() >= deadline) ::kill(process_, SIGKILL);  // It is frozen.
    ::poll(nullptr, 0, kBetweenLooks);
  }
}

Result<Nursery::Guarded> Nursery::guard(const GuardedCommand& command) {
  std::array<int, 2> sockets{-1, -1};
  std::array<int, 2> output{-1, -1};
  std::array<int, 2> witness{-1, -1};
  const bool made = ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets.data()) == 0 &&
                    ::pipe2(output.data(), O_CLOEXEC) == 0 && ::pipe2(witness.data(), O_CLOEXEC) == 0;
  Guarded guarded{Descriptor(sockets[0]), Descriptor(output[0]), Descriptor(witness[0])};
  Descriptors handed;
  handed[kOrders] = Descriptor(sockets[1]);
  handed[kOutput] = Descriptor(output[1]);
  handed[kWitness] = Descriptor(witness[1]);
  if (!made) return short_of_means();
  handed[kCommand] = file_of(packed(command));
  handed[kInput] = file_of(command.input);
  if (!handed[kCommand] || !handed[kInput]) return short_of_means();
  ::fcntl(guarded.output.get(), F_SETFL, O_NONBLOCK);
  if (auto asked = ask(socket_.get(), handed); !asked) return tl::unexpected(std::move(asked.error()));
  return guarded;
}

bool Nursery::is_gone() {
  const std::lock_guard lock(mutex_);
  if (process_ > 0 && ::waitpid(process_, nullptr, WNOHANG) == process_) process_ = 0;
  return process_ == 0;
}

}  // namespace nodepool::cli
