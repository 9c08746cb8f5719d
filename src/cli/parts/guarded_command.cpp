#include "cli/parts/guarded_command.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "cli/parts/execution.hpp"
#include "cli/parts/run_plan.hpp"

namespace nodepool::cli {
namespace {

using driver::Descriptor;
using std::chrono::milliseconds;

constexpr std::size_t kLongestLine = 16'384;
/// Of a guardian that does not keep its limit.
constexpr milliseconds kNoHope{2000};

/// Without running over at the far past.
MonotonicTime before(MonotonicTime time, milliseconds by) {
  return time < MonotonicTime::min() + by ? MonotonicTime::min() : time - by;
}

/// The last of a command's output, and its lines.
class Output {
 public:
  Output(Descriptor pipe, const GuardedRules& rules) : pipe_(std::move(pipe)), rules_(rules) {}
  [[nodiscard]] int fd() const noexcept { return pipe_.get(); }

  /// Takes what is there, but not for ever.
  void read() {
    constexpr int kMostReads = 16;
    std::array<char, 65'536> part{};
    for (int reads = 0; reads < kMostReads && pipe_; ++reads) {
      const ssize_t size = ::read(pipe_.get(), part.data(), part.size());
      if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (size <= 0) return pipe_.reset();
      take({part.data(), static_cast<std::size_t>(size)});
    }
  }
  [[nodiscard]] std::string end() {
    read();
    if (!line_.empty()) tell_line();
    while (tail_.ends_with('\n')) tail_.pop_back();
    // Not in the midst of a character.
    std::size_t start = tail_.size() - std::min(tail_.size(), rules_.tail);
    if (start > 0) {
      while (start < tail_.size() && (static_cast<unsigned char>(tail_[start]) & 0xC0U) == 0x80U) ++start;
    }
    return tail_.substr(start);
  }

 private:
  void take(std::string_view text) {
    tail_.append(text);
    if (tail_.size() > 2 * rules_.tail) tail_.erase(0, tail_.size() - rules_.tail - 4);
    if (!rules_.on_output) return;
    for (const char byte : text) {
      if (byte != '\n') line_ += byte;
      if (byte == '\n' || line_.size() >= kLongestLine) tell_line();
    }
  }
  void tell_line() {
    if (rules_.on_output) rules_.on_output(line_);
    line_.clear();
  }

  Descriptor pipe_;
  const GuardedRules& rules_;
  std::string tail_;
  std::string line_;
};

/// One command from its start to the end of all that it has left behind.
class Guarding {
 public:
  Guarding(Nursery::Guarded guarded, const GuardedRules& rules)
      : orders_(std::move(guarded.orders)),
        witness_(std::move(guarded.witness)),
        output_(std::move(guarded.output), rules),
        rules_(rules),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  CommandEnd run() {
    look_at_stop();
    limit_ = limit();
    send_order(orders_.get(), {GuardOrder::Kind::start, 0, limit_});
    const std::stop_callback wakes(rules_.stop, [this] { ::eventfd_write(wake_.get(), 1); });
    while (!is_over_) {
      wait();
      output_.read();
      take_reports();
      look_at_stop();
      move_limit();
    }
    end_.tail = output_.end();
    return std::move(end_);
  }

 private:
  void look_at_stop() {
    if (rules_.stop.stop_requested() && !told_at_) told_at_ = BootClock::now();
  }

  [[nodiscard]] StopOrder limit() const {
    const MonotonicTime kill_at = before(rules_.valid_until(), kKillSlack);
    StopOrder limit{before(kill_at, rules_.lease_grace), kill_at};
    for (const auto& from : {told_at_, ended_at_}) {
      if (!from) continue;
      limit.term_at = std::min(limit.term_at, *from);
      limit.kill_at = std::min<MonotonicTime>(limit.kill_at, *from + rules_.grace);
    }
    return limit;
  }

  void move_limit() {
    const StopOrder next = limit();
    if (next != limit_) send_order(orders_.get(), {GuardOrder::Kind::limit, 0, next});
    limit_ = next;
    // From here on it is about a guardian that is frozen. Counted from when this process has seen it, as both
    // may have slept.
    const MonotonicTime now = BootClock::now();
    if (now < limit_.kill_at) overdue_since_.reset();
    if (now < limit_.kill_at) return;
    if (!overdue_since_) overdue_since_ = now;
    if (now - *overdue_since_ >= kKillSlack / 2 && command_ > 0) ::kill(-command_, SIGKILL);
    if (now - *overdue_since_ < kNoHope) return;
    if (guardian_ > 0) ::kill(guardian_, SIGKILL);
    // There is none yet. If it still comes, it finds that nobody wants it to start anything.
    if (guardian_ == 0) not_started(kFrozenNursery);
  }

  void wait() {
    std::array<pollfd, 3> waiting{
        {{orders_.get(), POLLIN, 0}, {output_.fd(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
    const milliseconds pause = overdue_since_ ? kKillSlack / 2 : rules_.look;
    ::poll(waiting.data(), waiting.size(), static_cast<int>(pause.count()));
    eventfd_t ignored = 0;
    ::eventfd_read(wake_.get(), &ignored);
  }

  void take_reports() {
    while (!is_over_) {
      const ReceivedReport received = receive_report(orders_.get());
      if (received.report) {
        take(*received.report);
      } else if (received.is_over) {
        lose();
      } else {
        return;
      }
    }
  }

  void take(const JobReport& report) {
    switch (report.kind) {
      case JobReport::Kind::guarding:
        guardian_ = report.value;
        return;
      case JobReport::Kind::started:
        command_ = report.value;
        return;
      case JobReport::Kind::not_started:
        return not_started(why_not_started(report.value));
      case JobReport::Kind::too_late:
        end_.lease_ended = !told_at_;
        return not_started(told_at_ ? "it was to stop before it could be started"
                                    : "the lease was over before the command could be started");
      case JobReport::Kind::told:
        // Whatever becomes of the lease: it was told, and has its grace.
        if (!told_at_ && !ended_at_) end_.lease_ended = true;
        if (!told_at_) told_at_ = BootClock::now();
        return;
      case JobReport::Kind::ended:
        end_.code = exit_code_of(report.value);
        ended_at_ = BootClock::now();
        command_ = 0;
        return;
      case JobReport::Kind::gone:
        is_over_ = true;
        return;
      case JobReport::Kind::lost:
        return lose();
    }
  }

  void not_started(std::string why) {
    end_.not_started = std::move(why);
    is_over_ = true;
  }

  /// The guardian was killed: the kernel and the nursery kill what it guarded. Or there never was one.
  void lose() {
    if (guardian_ == 0) return not_started(kNoNursery);
    is_over_ = true;
    if (!ended_at_) end_.code = kSignalled + SIGKILL;
    const MonotonicTime deadline = BootClock::now() + kNoHope;
    (void)driver::wait_readable(witness_.get(), -1, deadline);
  }

  Descriptor orders_;
  Descriptor witness_;
  Output output_;
  const GuardedRules& rules_;
  Descriptor wake_;
  StopOrder limit_;
  CommandEnd end_;
  pid_t guardian_ = 0;
  pid_t command_ = 0;
  bool is_over_ = false;
  std::optional<MonotonicTime> told_at_;   ///< Since when it is to stop.
  std::optional<MonotonicTime> ended_at_;  ///< The command itself; what it has started may go on.
  std::optional<MonotonicTime> overdue_since_;
};

}  // namespace

CommandEnd run_guarded(Nursery& nursery, const GuardedCommand& command, const GuardedRules& rules) {
  auto guarded = nursery.guard(command);
  if (!guarded) return {.code = 0, .tail = {}, .not_started = guarded.error().message};
  return Guarding(*std::move(guarded), rules).run();
}

}  // namespace nodepool::cli
