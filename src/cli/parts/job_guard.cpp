#include "cli/parts/job_guard.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
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
#include "driver/common/descriptor.hpp"

namespace nodepool::cli {
namespace {

using driver::Descriptor;

constexpr std::chrono::milliseconds kBetweenKills{5};

/// The texts of a packet, each with a zero byte after it.
std::vector<std::string> unpacked(std::string_view packed) {
  std::vector<std::string> texts;
  while (!packed.empty()) {
    const std::size_t end = std::min(packed.find('\0'), packed.size() - 1);
    texts.emplace_back(packed.substr(0, end));
    packed.remove_prefix(end + 1);
  }
  return texts;
}

// NOLINTBEGIN(concurrency-mt-unsafe): the process has one thread.

/// With all groups of the user; in the user's home. The store's URL, which may have a password, is not passed
/// on.
std::optional<std::int32_t> become_user(const std::string& name) {
  if (name.empty()) return std::nullopt;
  const passwd* user = ::getpwnam(name.c_str());
  if (user == nullptr) return static_cast<std::int32_t>(StartFault::no_such_user);
  const bool is_already = user->pw_uid == ::geteuid() && user->pw_gid == ::getegid();
  const bool becomes = is_already || (::initgroups(name.c_str(), user->pw_gid) == 0 &&
                                      ::setgid(user->pw_gid) == 0 && ::setuid(user->pw_uid) == 0);
  if (!becomes) return static_cast<std::int32_t>(StartFault::may_not_be_user);
  for (const char* variable : {"USER", "LOGNAME"}) ::setenv(variable, user->pw_name, 1);
  ::setenv("HOME", user->pw_dir, 1);
  ::unsetenv("NODEPOOL_STORE");
  if (::chdir(user->pw_dir) != 0 && ::chdir("/") != 0)
    return static_cast<std::int32_t>(StartFault::no_directory);
  return std::nullopt;
}
// NOLINTEND(concurrency-mt-unsafe)

/// In the new process. Nothing of ours is left to it but the standard streams: the rest closes at exec.
[[noreturn]] void become_command(JobCommand command, std::string_view environment, pid_t guardian,
                                 int failed) {
  const auto fail = [failed](std::int32_t why) {
    [[maybe_unused]] const auto told = ::write(failed, &why, sizeof why);
    ::_exit(kNoSuchCommand);
  };
  ::setpgid(0, 0);
  std::signal(SIGPIPE, SIG_DFL);
  if (command.input >= 0) ::dup2(command.input, STDIN_FILENO);
  if (command.output >= 0) {
    ::dup2(command.output, STDOUT_FILENO);
    ::dup2(command.output, STDERR_FILENO);
  }
  if (const auto fault = become_user(command.user)) fail(*fault);
  if (!command.directory.empty() && ::chdir(command.directory.c_str()) != 0)
    fail(static_cast<std::int32_t>(StartFault::no_directory));
  for (std::string& entry : unpacked(environment)) command.environment.push_back(std::move(entry));
  std::vector<std::string> variables = environment_with(command.environment);
  // A change of user takes it away, so it comes last.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != guardian) ::_exit(kNoSuchCommand);  // It died before the line above.
  ::pthread_sigmask(SIG_SETMASK, &command.signal_mask, nullptr);
  std::vector<char*> variable_pointers = pointers_to(variables);
  environ = variable_pointers.data();  // It is looked up in its own PATH, not in ours.
  ::execvp(command.words.front().c_str(), pointers_to(command.words).data());
  fail(errno);
  ::_exit(kNoSuchCommand);
}

class Guard {
 public:
  Guard(int socket, const JobCommand& command) : socket_(socket), command_(command) {}
  [[noreturn]] void run();

 private:
  [[nodiscard]] bool begin();
  void wait();
  [[nodiscard]] bool read_orders();
  void start(std::string_view environment);
  void read_start();
  void reap();
  void keep_limit();
  void ask_all();
  void kill_all();
  void report(JobReport::Kind kind, std::int32_t value = 0);
  [[noreturn]] void end();

  Descriptor socket_;
  const JobCommand& command_;
  Descriptor ended_;  ///< Readable when a child has ended.
  Descriptor timer_;  ///< On the clock of leases, which goes on while the machine is suspended.
  Descriptor exec_;   ///< Closed by a start that succeeds, else it tells why not.
  StopOrder limit_;
  bool active_ = false;  ///< Something of a command may be there.
  pid_t leader_ = 0;     ///< The command, until it is reaped; its group has the same number.
  bool told_term_ = false;
  bool told_kill_ = false;
};

bool Guard::begin() {
  ::prctl(PR_SET_NAME, "nodepool-guard");
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  // What is meant for the process that is guarded against, or for its group, must not end its guardian.
  ::setpgid(0, 0);
  sigset_t signals;
  ::sigfillset(&signals);
  ::pthread_sigmask(SIG_SETMASK, &signals, nullptr);
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGCHLD);
  ended_ = Descriptor(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  timer_ = Descriptor(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  return ended_ && timer_;
}

void Guard::run() {
  if (!begin()) ::_exit(kRunFailed);
  while (true) {
    wait();
    // First what has been ordered: a limit may have been moved while this process slept.
    if (!read_orders()) end();
    read_start();
    reap();
    keep_limit();
  }
}

void Guard::wait() {
  MonotonicTime until = MonotonicTime::max();
  if (active_) until = told_term_ ? limit_.kill_at : std::min(limit_.term_at, limit_.kill_at);
  if (told_kill_) until = BootClock::now() + kBetweenKills;
  itimerspec alarm{};
  if (until != MonotonicTime::max()) {
    const auto since_boot = std::max(until.time_since_epoch(), std::chrono::nanoseconds(1));
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since_boot);
    alarm.it_value = {static_cast<std::time_t>(seconds.count()),
                      static_cast<long>((since_boot - seconds).count())};
  }
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &alarm, nullptr);
  std::array<pollfd, 4> waiting{{{socket_.get(), POLLIN, 0},
                                 {ended_.get(), POLLIN, 0},
                                 {timer_.get(), POLLIN, 0},
                                 {exec_.get(), POLLIN, 0}}};
  ::poll(waiting.data(), waiting.size(), -1);
}

/// False if nobody gives orders any more. A start comes last: one that was taken back while this process
/// slept does not happen.
bool Guard::read_orders() {
  std::array<char, kMostGuardPacket> packet{};
  std::optional<std::string> environment;
  while (true) {
    const ssize_t size = ::recv(socket_.get(), packet.data(), packet.size(), MSG_DONTWAIT);
    if (size < 0) {
      if (errno != EAGAIN && errno != EINTR) return false;
      if (environment) start(*environment);
      return true;
    }
    GuardOrder order;
    if (static_cast<std::size_t>(size) < sizeof order) return false;
    std::memcpy(&order, packet.data(), sizeof order);
    if (order.kind == GuardOrder::Kind::signal) {
      if (leader_ > 0) ::kill(-leader_, order.signal);
      continue;
    }
    limit_ = order.limit;
    if (order.kind == GuardOrder::Kind::start) {
      environment.emplace(packet.data() + sizeof order, static_cast<std::size_t>(size) - sizeof order);
    }
  }
}

void Guard::start(std::string_view environment) {
  if (BootClock::now() >= limit_.term_at) return report(JobReport::Kind::too_late);
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0) return report(JobReport::Kind::not_started, errno);
  exec_ = Descriptor(pipe[0]);
  const Descriptor failed(pipe[1]);
  const pid_t guardian = ::getpid();
  leader_ = ::fork();
  if (leader_ == 0) become_command(command_, environment, guardian, failed.get());
  if (leader_ < 0) {
    report(JobReport::Kind::not_started, errno);
    leader_ = 0;
    exec_.reset();
    return;
  }
  ::setpgid(leader_, leader_);  // It does so itself; whoever comes first.
  active_ = true;
  told_term_ = told_kill_ = false;
}

/// A program on a network that hangs can be long in starting, so this is never waited for.
void Guard::read_start() {
  if (!exec_) return;
  std::int32_t why = 0;
  const ssize_t size = ::read(exec_.get(), &why, sizeof why);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  exec_.reset();
  if (size != sizeof why) return report(JobReport::Kind::started, leader_);
  ::waitpid(leader_, nullptr, 0);
  leader_ = 0;
  active_ = false;
  report(JobReport::Kind::not_started, why);
}

void Guard::reap() {
  signalfd_siginfo signal{};
  while (::read(ended_.get(), &signal, sizeof signal) == sizeof signal) {
  }
  if (!active_ || exec_) return;
  int status = 0;
  pid_t child = 0;
  while ((child = ::waitpid(-1, &status, WNOHANG)) > 0) {
    if (child != leader_) continue;
    leader_ = 0;
    report(JobReport::Kind::ended, status);
  }
  if (child == 0 || errno != ECHILD) return;
  active_ = false;
  limit_ = {};
  told_term_ = told_kill_ = false;
  report(JobReport::Kind::gone);
}

void Guard::keep_limit() {
  if (!active_) return;
  const MonotonicTime now = BootClock::now();
  if (now >= limit_.kill_at) {
    if (!std::exchange(told_kill_, true)) report(JobReport::Kind::told, SIGKILL);
    return kill_all();
  }
  if (now < limit_.term_at || std::exchange(told_term_, true)) return;
  report(JobReport::Kind::told, SIGTERM);
  ask_all();
}

void Guard::ask_all() {
  const std::vector<ChildProcess> all = children();
  signal_groups_of(all, SIGTERM);
  signal_groups_of(all, SIGCONT);  // Who is stopped could not hear it.
}

/// Who is killed leaves its own children to us: repeated until there are none.
void Guard::kill_all() {
  if (leader_ > 0) ::kill(-leader_, SIGKILL);  // Also where there is no /proc.
  signal_groups_of(children(), SIGKILL);
}

void Guard::report(JobReport::Kind kind, std::int32_t value) {
  const JobReport report{kind, value};
  // Blocking would leave the limit unkept. Who does not read is frozen, and has room for more than one run.
  ::send(socket_.get(), &report, sizeof report, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void Guard::end() {
  // A process in the kernel's hands cannot be waited for for ever.
  constexpr std::chrono::seconds kAtMost{2};
  const MonotonicTime deadline = BootClock::now() + kAtMost;
  while (BootClock::now() < deadline) {
    kill_all();
    pid_t child = 0;
    while ((child = ::waitpid(-1, nullptr, WNOHANG)) > 0) {
      if (child == leader_) leader_ = 0;
    }
    if (child < 0 && errno == ECHILD) ::_exit(0);
    ::poll(nullptr, 0, static_cast<int>(kBetweenKills.count()));
  }
  ::_exit(kRunFailed);
}

}  // namespace

std::string why_not_started(std::int32_t value) {
  if (value == static_cast<std::int32_t>(StartFault::no_such_user))
    return "this machine does not know the user that the command is to run as";
  if (value == static_cast<std::int32_t>(StartFault::may_not_be_user))
    return "the command is to run as another user, which only root can do";
  if (value == static_cast<std::int32_t>(StartFault::no_directory))
    return "the directory of the command cannot be entered";
  return fmt::format("the command cannot be executed ({})", std::generic_category().message(value));
}

void send_order(int socket, const GuardOrder& order, const std::vector<std::string>& environment) {
  std::string packet(sizeof order, '\0');
  std::memcpy(packet.data(), &order, sizeof order);
  for (const std::string& entry : environment) packet.append(entry).push_back('\0');
  ::send(socket, packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

ReceivedReport receive_report(int socket) {
  JobReport report;
  ssize_t size = -1;
  // A guardian that was killed before it had read its orders says so first, and then what it has reported.
  do size = ::recv(socket, &report, sizeof report, MSG_DONTWAIT);
  while (size < 0 && errno == ECONNRESET);
  if (size == sizeof report) return {report, false};
  return {std::nullopt, size >= 0 || (errno != EAGAIN && errno != EINTR)};
}

void guard_jobs(int socket, const JobCommand& command) {
  Guard(socket, command).run();
}

}  // namespace nodepool::cli
