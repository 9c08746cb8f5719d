#include "scheduler/going.hpp"

#include <exception>
#include <utility>

namespace nodepool::cron {
namespace {

std::string last_of(std::string text) {
  if (text.size() > kMaxDetail) text.erase(0, text.size() - kMaxDetail);
  return text;
}

}  // namespace

Going::Going(std::string job, RunMark mark, std::shared_ptr<const Claim> claim)
    : job_(std::move(job)),
      mark_(std::move(mark)),
      claim_(std::move(claim)),
      started_at_(BootClock::now()),
      when_fenced_(claim_->stop_token(), ByLease{this}) {}

void Going::fail(std::string why) {
  const std::lock_guard lock(mutex_);
  failed_ = true;
  detail_ = last_of(std::move(why));
}

void Going::give_up(std::string why) {
  fail(std::move(why));
  stop(Cause::lease);
}

void Going::note(std::string detail) {
  const std::lock_guard lock(mutex_);
  if (!failed_) detail_ = last_of(std::move(detail));
}

void Going::stop(Cause cause) noexcept {
  Cause none = Cause::none;
  cause_.compare_exchange_strong(none, cause);
  stop_.request_stop();
}

void Going::execute(const JobFunction& function) noexcept {
  try {
    // It may have waited for a thread for longer than its lease.
    if (stop_.stop_requested() || !claim_->valid()) {
      give_up("its lease was over before it could begin");
    } else {
      function(*this);
    }
  } catch (const std::exception& e) {
    fail(e.what());
  } catch (...) {
    fail("the function has thrown something that is no std::exception");
  }
  // A process that was frozen finds the lease gone before the pool has told it.
  if (cause_ == Cause::none && !claim_->valid()) stop(Cause::lease);
  const std::lock_guard lock(mutex_);
  cause_at_end_ = cause_;
}

Going::End Going::end() const {
  const std::lock_guard lock(mutex_);
  switch (cause_at_end_) {
    case Cause::none:
      return {failed_ ? Outcome::failed : Outcome::succeeded, detail_};
    case Cause::time_out:
      return {Outcome::timed_out, detail_};
    case Cause::lease:
    case Cause::scheduler:
      return {Outcome::stopped, detail_};
  }
  return {};
}

}  // namespace nodepool::cron
