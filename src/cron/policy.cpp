#include <fmt/format.h>

#include <string>

#include "nodepool/job_policy.hpp"

namespace nodepool::cron {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr milliseconds kYear = hours(24 * 366);

/// All faults, one sentence each.
class Faults {
 public:
  void check(const char* name, milliseconds value, milliseconds least, milliseconds most) {
    if (value >= least && value <= most) return;
    add(fmt::format("{} is {} ms, it must be {} to {} ms", name, value.count(), least.count(), most.count()));
  }
  void check(const char* name, unsigned value, unsigned least, unsigned most) {
    if (value >= least && value <= most) return;
    add(fmt::format("{} is {}, it must be {} to {}", name, value, least, most));
  }
  [[nodiscard]] Result<void> result() const {
    if (text_.empty()) return {};
    return failure(ErrorCode::invalid_argument, text_);
  }

 private:
  void add(const std::string& fault) { text_ += (text_.empty() ? "" : "; ") + fault; }
  std::string text_;
};

}  // namespace

Result<void> validate(const JobPolicy& policy) {
  constexpr milliseconds kNone{0};
  Faults faults;
  faults.check("on_time", policy.on_time, milliseconds(100), std::chrono::minutes(1));
  faults.check("deadline", policy.deadline, kNone, kYear);
  faults.check("timeout", policy.timeout, kNone, kYear);
  faults.check("retries", policy.retries, 0, 100);
  faults.check("retry_delay", policy.retry_delay, milliseconds(1), hours(1));
  faults.check("jitter", policy.jitter, kNone, hours(24));
  faults.check("most_catch_up", policy.most_catch_up, 1, 100);
  faults.check("history", policy.history, 1, 1000);
  return faults.result();
}

}  // namespace nodepool::cron
