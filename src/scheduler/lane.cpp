#include "scheduler/lane.hpp"

#include <algorithm>
#include <utility>

namespace nodepool::cron {

Lane::Lane(Works& works, Crew& crew, std::unique_ptr<Ledger> ledger)
    : works_(works),
      book_(std::move(ledger)),
      members_(*works.pool),
      tools_{works, crew, book_, members_, [this](const std::string& job, const Going* ended) {
               post([this, job, ended] {
                 const auto found = jobs_.find(job);
                 if (found == jobs_.end()) return;
                 if (ended != nullptr) found->second->ended(ended);
                 look(*found->second);
               });
             }} {}

Lane::~Lane() {
  close();
  hurry();
  join();
}

void Lane::start() {
  {
    const std::lock_guard lock(mutex_);
    started_ = true;
  }
  thread_ = std::jthread([this] { run(); });
}

void Lane::post(Letter letter) {
  {
    const std::lock_guard lock(mutex_);
    letters_.push_back(std::move(letter));
  }
  changed_.notify_all();
}

void Lane::put(std::shared_ptr<const JobSpec> job) {
  post([this, job = std::move(job), now = works_.now()] {
    const auto known = jobs_.find(job->name);
    if (known == jobs_.end()) {
      jobs_.emplace(job->name, std::make_unique<Keeper>(tools_, job, now));
    } else {
      known->second->change(job, now);
      look(*known->second);
    }
  });
}

void Lane::drop(const std::string& job) {
  post([this, job] {
    const auto known = jobs_.find(job);
    if (known == jobs_.end()) return;
    known->second->drop();
    look(*known->second);
  });
}

void Lane::own(std::vector<Ownership> changes) {
  post([this, changes = std::move(changes)] {
    for (const Ownership& change : changes) {
      const auto known = jobs_.find(change.job);
      if (known == jobs_.end()) continue;
      known->second->own(change.key);
      // Not at once: what is due elsewhere goes first.
      again_.set(known->second.get(), BootClock::now());
    }
  });
}

void Lane::reread(const std::string& job) {
  post([this, job] {
    const auto known = jobs_.find(job);
    if (known == jobs_.end()) return;
    known->second->forget_page();
    look(*known->second);
  });
}

std::vector<JobStatus> Lane::list() {
  std::unique_lock lock(mutex_);
  if (!started_ || ended_) {
    // There is no thread: what it would have read is read here.
    for (const Letter& letter : std::exchange(letters_, {})) letter();
    return all();
  }
  std::promise<std::vector<JobStatus>> answer;
  questions_.push_back(&answer);
  lock.unlock();
  changed_.notify_all();
  return answer.get_future().get();
}

std::vector<JobStatus> Lane::all() const {
  std::vector<JobStatus> all;
  for (const auto& [name, job] : jobs_) {
    if (!job->is_dropped()) all.push_back(job->status());
  }
  return all;
}

void Lane::close() {
  post([this] {
    closing_ = true;
    for (const auto& [name, job] : jobs_) {
      job->close();
      again_.set(job.get(), BootClock::now());
    }
  });
}

bool Lane::wait_closed(MonotonicTime deadline) {
  std::unique_lock lock(mutex_);
  const auto left =
      std::max<MonotonicTime::duration>(deadline - BootClock::now(), std::chrono::nanoseconds(0));
  return changed_.wait_for(lock, left, [this] { return ended_ || !started_; });
}

void Lane::hurry() {
  post([this] {
    patience_ = BootClock::now() + 2 * works_.store_timeout;
    for (const auto& [name, job] : jobs_) job->stop_runs(Going::Cause::scheduler);
  });
}

void Lane::join() {
  if (thread_.joinable()) thread_.join();
}

void Lane::run() {
  while (true) {
    read_letters();
    look_at_due();
    if (is_over()) break;
    wait();
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  letters_.clear();
  for (auto* question : std::exchange(questions_, {})) question->set_value(all());
  changed_.notify_all();
}

void Lane::read_letters() {
  std::vector<Letter> letters;
  std::vector<std::promise<std::vector<JobStatus>>*> questions;
  {
    const std::lock_guard lock(mutex_);
    letters.swap(letters_);
    questions.swap(questions_);
  }
  for (const Letter& letter : letters) letter();
  for (auto* question : questions) question->set_value(all());
}

/// Few at a time, so that letters do not wait for long.
void Lane::look_at_due() {
  constexpr int kFew = 16;
  for (int count = 0; count < kFew; ++count) {
    Keeper* job = by_schedule_.due(works_.now());
    if (job == nullptr) job = again_.due(BootClock::now());
    if (job == nullptr) return;
    look(*job);
  }
}

void Lane::look(Keeper& job) {
  const Keeper::Next next = job.look();
  by_schedule_.set(&job, next.due);
  again_.set(&job, next.again);
  if (!job.is_dropped() || !job.is_idle()) return;
  by_schedule_.set(&job, {});
  again_.set(&job, {});
  jobs_.erase(job.status().name);
}

void Lane::wait() {
  // The civil clock may be put forward: nobody tells of that.
  constexpr std::chrono::nanoseconds kAtMost = std::chrono::seconds(1);
  std::chrono::nanoseconds left = kAtMost;
  if (const auto due = by_schedule_.first())
    left = std::min<std::chrono::nanoseconds>(left, *due - works_.now());
  if (const auto again = again_.first()) left = std::min(left, *again - BootClock::now());
  if (left.count() <= 0) return;
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, left, [this] { return !letters_.empty() || !questions_.empty(); });
}

bool Lane::is_over() const {
  if (!closing_) return false;
  const bool runs = std::ranges::any_of(jobs_, [](const auto& job) { return job.second->is_running(); });
  const bool idle = std::ranges::all_of(jobs_, [](const auto& job) { return job.second->is_idle(); });
  return idle || (!runs && patience_ && BootClock::now() >= *patience_);
}

}  // namespace nodepool::cron
