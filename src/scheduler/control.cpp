// What can be seen and asked of a fleet's jobs from outside.

#include <fmt/format.h>

#include <utility>

#include "cron/firing.hpp"
#include "nodepool/cron.hpp"
#include "scheduler/book.hpp"
#include "scheduler/roster.hpp"

namespace nodepool::cron {
namespace {

FleetJob job_of(std::string name, const JobRecord& record) {
  FleetJob job{.name = std::move(name),
               .schedule = record.schedule,
               .decided = record.decided,
               .is_paused = record.paused,
               .waiting = record.pending.size() + record.asked.size(),
               .running = {}};
  for (const RunMark& run : record.running) {
    job.running.push_back({run.scheduled, run.started, run.attempt, run.token, run.node});
  }
  return job;
}

tl::unexpected<Error> never_owned(const std::string& name) {
  return failure(ErrorCode::not_found, fmt::format("no node has had a job {} so far", name));
}

}  // namespace

class JobControl::Impl {
 public:
  explicit Impl(std::unique_ptr<Ledger> ledger) : book_(std::move(ledger)), roster_(*book_.ledger()) {}

  [[nodiscard]] Book& book() noexcept { return book_; }

  Result<Page> find(const std::string& name, MonotonicTime deadline) {
    auto page = book_.read(name, deadline);
    if (page && page->version == 0) return never_owned(name);
    return page;
  }

  /// Changes the record, and lets the owner know.
  template <class Change>
  Result<void> change(const std::string& name, Change change, MonotonicTime deadline) {
    auto page = find(name, deadline);
    while (page) {
      JobRecord record = page->record;
      if (Result<bool> changed = change(record); !changed || !*changed) {
        return changed ? Result<void>() : tl::unexpected(std::move(changed.error()));
      }
      // Without an entry the history stays as it is.
      auto step = book_.write(name, page->version, record, {}, kMaxLedgerHistory, deadline);
      if (!step) return tl::unexpected(std::move(step.error()));
      if (step->written) return roster_.note_change(name, deadline);
      page = std::move(step->page);
    }
    return tl::unexpected(std::move(page.error()));
  }

 private:
  Book book_;
  RosterBook roster_;
};

Result<JobControl> JobControl::open(Driver& driver, const ServiceName& service) {
  auto ledger = driver.open_ledger(service);
  if (!ledger) {
    return failure(ErrorCode::unsupported,
                   fmt::format("{} keeps no ledger, so no jobs are scheduled on it", driver.describe()));
  }
  return JobControl(std::make_unique<Impl>(std::move(ledger)));
}

JobControl::JobControl(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
JobControl::JobControl(JobControl&&) noexcept = default;
JobControl& JobControl::operator=(JobControl&&) noexcept = default;
JobControl::~JobControl() = default;

Result<std::vector<FleetJob>> JobControl::list(MonotonicTime deadline) {
  const auto pages = impl_->book().all(deadline);
  if (!pages) return tl::unexpected(pages.error());
  std::vector<FleetJob> jobs;
  for (const auto& [name, page] : *pages) jobs.push_back(job_of(name, page.record));
  return jobs;
}

Result<FleetJob> JobControl::find(const std::string& name, MonotonicTime deadline) {
  return impl_->find(name, deadline).map([&](const Page& page) { return job_of(name, page.record); });
}

Result<std::vector<HistoryEntry>> JobControl::history(const std::string& name, std::size_t most,
                                                      MonotonicTime deadline) {
  return impl_->find(name, deadline).and_then([&](const Page&) {
    return impl_->book().history(name, most, deadline);
  });
}

Result<void> JobControl::pause(const std::string& name, MonotonicTime deadline) {
  const auto pause = [](JobRecord& record) -> Result<bool> {
    const bool changes = !record.paused;
    record = paused(std::move(record));
    return changes;
  };
  return impl_->change(name, pause, deadline);
}

Result<void> JobControl::resume(const std::string& name, WallTime now, MonotonicTime deadline) {
  const auto resume = [now](JobRecord& record) -> Result<bool> {
    const bool changes = record.paused;
    record = resumed(std::move(record), now);
    return changes;
  };
  return impl_->change(name, resume, deadline);
}

Result<void> JobControl::run_now(const std::string& name, WallTime now, MonotonicTime deadline) {
  const auto wish = [&](JobRecord& record) -> Result<bool> {
    if (ask(record, now)) return true;
    return failure(
        ErrorCode::wrong_state,
        fmt::format("{} runs of job {} are asked for already, and no node takes them; see that one "
                    "that has the job is up",
                    kMostRuns, name));
  };
  return impl_->change(name, wish, deadline);
}

Result<void> JobControl::forget(const std::string& name, MonotonicTime deadline) {
  const auto page = impl_->find(name, deadline);
  if (!page) return tl::unexpected(page.error());
  if (!page->record.running.empty()) {
    return failure(ErrorCode::wrong_state,
                   fmt::format("a run of job {} goes on, or was left behind by a node "
                               "that died; it can be forgotten once that is noted",
                               name));
  }
  const auto erased = impl_->book().ledger()->erase(name, page->version, deadline);
  if (!erased) return tl::unexpected(erased.error());
  if (*erased) return {};
  return failure(ErrorCode::wrong_state, fmt::format("job {} has just been written to; try again", name));
}

}  // namespace nodepool::cron
