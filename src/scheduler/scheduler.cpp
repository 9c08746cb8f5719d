#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "nodepool/cron.hpp"
#include "nodepool/ring.hpp"
#include "scheduler/lane.hpp"
#include "scheduler/lookout.hpp"
#include "scheduler/works.hpp"

namespace nodepool::cron {
namespace {

Result<void> validate(const JobSpec& job) {
  if (auto valid = validate_job_name(job.name); !valid) return valid;
  if (job.name.size() > kMaxScheduledName) {
    return failure(ErrorCode::invalid_argument, fmt::format("job name has {} bytes; at most {} are allowed",
                                                            job.name.size(), kMaxScheduledName));
  }
  if (job.name.starts_with(kReservedPrefix)) {
    return failure(ErrorCode::invalid_argument,
                   fmt::format("job {}: names that begin with {} are nodepool's own; choose another",
                               job.name, kReservedPrefix));
  }
  if (!job.function) {
    return failure(ErrorCode::invalid_argument, fmt::format("job {} has no function to run", job.name));
  }
  if (auto valid = validate(job.policy); !valid) {
    return failure(ErrorCode::invalid_argument, fmt::format("job {}: {}", job.name, valid.error().message));
  }
  return {};
}

tl::unexpected<Error> no_such_job(const std::string& name) {
  return failure(ErrorCode::not_found, fmt::format("this node has no job {}; add it first", name));
}

}  // namespace

Result<void> validate(const SchedulerOptions& options) {
  using std::chrono::milliseconds;
  std::string faults;
  const auto check = [&](const char* name, auto value, auto least, auto most, const char* unit) {
    if (value >= least && value <= most) return;
    faults += fmt::format("{}{} is {}{}, it must be {} to {}{}", faults.empty() ? "" : "; ", name, value,
                          unit, least, most, unit);
  };
  check("most_runs", options.most_runs, 1U, 10'000U, "");
  check("store_lines", options.store_lines, 1U, 64U, "");
  check("store_timeout", options.store_timeout.count(), 10, 60'000, " ms");
  check("notice", options.notice.count(), 50, 60'000, " ms");
  if (faults.empty()) return {};
  return failure(ErrorCode::invalid_argument, faults);
}

/// Lanes for the jobs, a crew for the runs, a lookout for which jobs are ours.
class Scheduler::Impl {
 public:
  Impl(std::shared_ptr<INodePool> pool, std::shared_ptr<Driver> driver, ServiceName service,
       SchedulerOptions options)
      : driver_(std::move(driver)),
        service_(std::move(service)),
        options_(std::move(options)),
        works_(std::move(pool), options_) {}
  ~Impl() { stop(std::chrono::milliseconds(0)); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<void> start(Scheduler& scheduler);
  void stop(std::chrono::milliseconds grace);
  Result<void> add(JobSpec job);
  Result<void> remove(const std::string& name);
  Result<void> replace(std::vector<JobSpec> jobs);
  std::vector<JobStatus> list();
  template <class Wish>
  Result<void> ask(const std::string& name, Wish wish);
  Result<std::vector<HistoryEntry>> history(const std::string& name, std::size_t most);
  [[nodiscard]] WallTime now() const { return works_.now(); }
  [[nodiscard]] MonotonicTime deadline() const { return works_.store_deadline(); }
  [[nodiscard]] SchedulerStats stats() const noexcept { return works_.stats(); }

 private:
  enum class State { fresh, started, stopped };
  using Jobs = std::map<std::string, std::shared_ptr<const JobSpec>>;

  Result<std::shared_ptr<const JobSpec>> accept(JobSpec job) const;
  Lane& lane_of(const std::string& job) { return *lanes_[hash_key(job) % lanes_.size()]; }
  void tell_lookout(const std::vector<std::string>& changed);  ///< REQUIRES: mutex_ is held.
  void tell_owned(std::vector<Ownership> changes);
  void tell_written(const std::string& job);
  Result<JobControl> control() { return JobControl::open(*driver_, service_); }

  const std::shared_ptr<Driver> driver_;
  const ServiceName service_;
  const SchedulerOptions options_;
  Works works_;
  std::mutex life_mutex_;  ///< Serializes start and stop.
  std::mutex mutex_;
  State state_ = State::fresh;  ///< Guarded by mutex_.
  Jobs jobs_;                   ///< Guarded by mutex_.
  // Made by start, and then constant; the crew goes before the lanes that its runs report to.
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::unique_ptr<Crew> crew_;
  std::unique_ptr<Lookout> lookout_;
};

Result<void> Scheduler::Impl::start(Scheduler& scheduler) {
  const std::lock_guard life(life_mutex_);
  if (auto valid = validate(options_); !valid) return valid;
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::fresh) {
      return failure(ErrorCode::wrong_state, "the scheduler was started before; make a new one");
    }
  }
  auto ledger = driver_->open_ledger(service_);
  if (!ledger) {
    return failure(ErrorCode::unsupported,
                   fmt::format("{} keeps no ledger, so jobs cannot be scheduled on it; "
                               "use Redis, SQLite or the memory store",
                               driver_->describe()));
  }
  try {
    if (options_.on_start) options_.on_start(scheduler);
  } catch (const std::exception& e) {
    return failure(ErrorCode::invalid_argument,
                   fmt::format("the function on_start has thrown: {}", e.what()));
  }
  const std::lock_guard lock(mutex_);
  crew_ = std::make_unique<Crew>(options_.most_runs);
  for (unsigned line = 0; line < options_.store_lines; ++line) {
    lanes_.push_back(std::make_unique<Lane>(works_, *crew_, driver_->open_ledger(service_)));
  }
  lookout_ = std::make_unique<Lookout>(
      works_, std::move(ledger), options_.notice,
      Lookout::Tell{[this](std::vector<Ownership> changes) { tell_owned(std::move(changes)); },
                    [this](const std::string& job) { tell_written(job); }});
  for (const auto& [name, job] : jobs_) lane_of(name).put(job);
  tell_lookout({});
  for (const auto& lane : lanes_) lane->start();
  lookout_->start();
  state_ = State::started;
  return {};
}

void Scheduler::Impl::stop(std::chrono::milliseconds grace) {
  const std::lock_guard life(life_mutex_);
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(state_, State::stopped) != State::started) return;
  }
  lookout_->stop();
  for (const auto& lane : lanes_) lane->close();
  const MonotonicTime deadline = BootClock::now() + grace;
  for (const auto& lane : lanes_) {
    [[maybe_unused]] const bool in_time = lane->wait_closed(deadline);
  }
  for (const auto& lane : lanes_) lane->hurry();
  for (const auto& lane : lanes_) lane->join();
}

/// Checked, and with the wrappers around its function.
Result<std::shared_ptr<const JobSpec>> Scheduler::Impl::accept(JobSpec job) const {
  if (auto valid = validate(job); !valid) return tl::unexpected(std::move(valid.error()));
  try {
    for (auto wrapper = options_.wrappers.rbegin(); wrapper != options_.wrappers.rend(); ++wrapper)
      job.function = (*wrapper)(std::move(job.function));
  } catch (const std::exception& e) {
    return failure(ErrorCode::invalid_argument,
                   fmt::format("job {}: a wrapper of the scheduler has thrown: {}", job.name, e.what()));
  }
  return std::make_shared<const JobSpec>(std::move(job));
}

Result<void> Scheduler::Impl::add(JobSpec job) {
  auto accepted = accept(std::move(job));
  if (!accepted) return tl::unexpected(std::move(accepted.error()));
  const auto shared = *std::move(accepted);
  const std::lock_guard lock(mutex_);
  if (!jobs_.emplace(shared->name, shared).second) {
    return failure(ErrorCode::wrong_state,
                   fmt::format("there is a job {} already; remove it, or replace all", shared->name));
  }
  if (state_ == State::started) {
    lane_of(shared->name).put(shared);
    tell_lookout({shared->name});
  }
  return {};
}

Result<void> Scheduler::Impl::remove(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (jobs_.erase(name) == 0) return no_such_job(name);
  if (state_ == State::started) {
    lane_of(name).drop(name);
    tell_lookout({name});
  }
  return {};
}

Result<void> Scheduler::Impl::replace(std::vector<JobSpec> jobs) {
  Jobs next;
  for (JobSpec& job : jobs) {
    auto accepted = accept(std::move(job));
    if (!accepted) return tl::unexpected(std::move(accepted.error()));
    const auto shared = *std::move(accepted);
    if (!next.emplace(shared->name, shared).second) {
      return failure(ErrorCode::invalid_argument, fmt::format("there are two jobs {}", shared->name));
    }
  }
  const std::lock_guard lock(mutex_);
  std::vector<std::string> changed;
  for (const auto& [name, job] : jobs_) {
    if (next.contains(name)) continue;
    changed.push_back(name);
    if (state_ == State::started) lane_of(name).drop(name);
  }
  for (const auto& [name, job] : next) {
    if (!jobs_.contains(name)) changed.push_back(name);
    if (state_ == State::started) lane_of(name).put(job);
  }
  jobs_ = std::move(next);
  if (state_ == State::started) tell_lookout(changed);
  return {};
}

std::vector<JobStatus> Scheduler::Impl::list() {
  std::vector<JobStatus> all;
  std::unique_lock lock(mutex_);
  if (state_ == State::started) {
    lock.unlock();
    for (const auto& lane : lanes_) {
      for (JobStatus& job : lane->list()) all.push_back(std::move(job));
    }
  } else {
    for (const auto& [name, job] : jobs_) {
      all.push_back({.name = name, .schedule = job->schedule, .policy = job->policy});
      all.back().next = job->schedule.next(works_.now());
    }
  }
  std::ranges::sort(all, {}, &JobStatus::name);
  return all;
}

/// Something of the whole fleet's book; what is this node's own shows at once.
template <class Wish>
Result<void> Scheduler::Impl::ask(const std::string& name, Wish wish) {
  {
    const std::lock_guard lock(mutex_);
    if (!jobs_.contains(name)) return no_such_job(name);
  }
  auto opened = control();
  if (!opened) return tl::unexpected(std::move(opened.error()));
  if (auto done = wish(*opened); !done) return done;
  tell_written(name);
  return {};
}

Result<std::vector<HistoryEntry>> Scheduler::Impl::history(const std::string& name, std::size_t most) {
  return control().and_then([&](JobControl opened) { return opened.history(name, most, deadline()); });
}

void Scheduler::Impl::tell_lookout(const std::vector<std::string>& changed) {
  std::vector<std::string> names;
  for (const auto& [name, job] : jobs_) names.push_back(name);
  lookout_->set_jobs(std::move(names), changed);
}

void Scheduler::Impl::tell_owned(std::vector<Ownership> changes) {
  std::map<Lane*, std::vector<Ownership>> shares;
  for (Ownership& change : changes) shares[&lane_of(change.job)].push_back(std::move(change));
  for (auto& [lane, share] : shares) lane->own(std::move(share));
}

void Scheduler::Impl::tell_written(const std::string& job) {
  std::vector<std::string> names{job};
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::started) return;
    if (job.empty()) {
      names.clear();
      for (const auto& [name, spec] : jobs_) names.push_back(name);
    }
  }
  for (const std::string& name : names) lane_of(name).reread(name);
}

Scheduler::Scheduler(std::shared_ptr<INodePool> pool, std::shared_ptr<Driver> driver,
                     const ServiceName& service, SchedulerOptions options)
    : impl_(std::make_unique<Impl>(std::move(pool), std::move(driver), service, std::move(options))) {}
Scheduler::~Scheduler() = default;

Result<void> Scheduler::start() {
  return impl_->start(*this);
}
void Scheduler::stop(std::chrono::milliseconds grace) {
  impl_->stop(grace);
}
Result<void> Scheduler::add(JobSpec job) {
  return impl_->add(std::move(job));
}
Result<void> Scheduler::add(std::string name, Schedule schedule, std::shared_ptr<Task> task,
                            JobPolicy policy) {
  if (!task) return failure(ErrorCode::invalid_argument, fmt::format("job {} has no task to run", name));
  return impl_->add({std::move(name), std::move(schedule),
                     [task = std::move(task)](JobRun& run) { task->run(run); }, policy});
}
Result<void> Scheduler::remove(const std::string& name) {
  return impl_->remove(name);
}
Result<void> Scheduler::replace(std::vector<JobSpec> jobs) {
  return impl_->replace(std::move(jobs));
}
std::vector<JobStatus> Scheduler::list() const {
  return impl_->list();
}
Result<void> Scheduler::pause(const std::string& name) {
  return impl_->ask(name, [&](JobControl& control) { return control.pause(name, impl_->deadline()); });
}
Result<void> Scheduler::resume(const std::string& name) {
  return impl_->ask(
      name, [&](JobControl& control) { return control.resume(name, impl_->now(), impl_->deadline()); });
}
Result<void> Scheduler::run_now(const std::string& name) {
  return impl_->ask(
      name, [&](JobControl& control) { return control.run_now(name, impl_->now(), impl_->deadline()); });
}
Result<std::vector<HistoryEntry>> Scheduler::history(const std::string& name, std::size_t most) const {
  return impl_->history(name, most);
}
SchedulerStats Scheduler::stats() const noexcept {
  return impl_->stats();
}

}  // namespace nodepool::cron
