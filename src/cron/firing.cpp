#include "cron/firing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "nodepool/ring.hpp"

namespace nodepool::cron {
namespace {

using std::chrono::nanoseconds;

/// The instants that have come since the last decision; of very many the oldest are only counted.
struct Due {
  std::deque<WallTime> newest;  ///< Ascending.
  std::uint64_t older = 0;
  WallTime last_older{};
};

/// One decision in the making.
class Round {
 public:
  Round(const JobPlan& plan, JobRecord record, const Moment& moment)
      : plan_(plan), moment_(moment), decision_{.record = std::move(record), .start = {}, .entries = {}} {}

  [[nodiscard]] JobRecord& record() noexcept { return decision_.record; }
  void change() noexcept { decision_.is_change = true; }
  [[nodiscard]] std::size_t most_at_once() const noexcept {
    return plan_.policy.overlap == Overlap::allow ? kMostRuns : 1;
  }
  [[nodiscard]] bool is_busy() const noexcept {
    return decision_.record.running.size() + decision_.record.pending.size() >= most_at_once();
  }

  Decision take() {
    if (decision_.is_change) record().token = std::max(record().token, moment_.token);
    return std::move(decision_);
  }
  Decision stale() {
    decision_.is_stale = true;
    return std::move(decision_);
  }

  void note(HistoryEntry entry) {
    change();
    decision_.entries.push_back(std::move(entry));
  }
  /// Instants that are not run, the last of them and how many.
  void note_unrun(Outcome outcome, WallTime last, std::uint64_t count) {
    HistoryEntry entry;
    entry.scheduled = last;
    entry.count = count;
    entry.outcome = outcome;
    entry.token = moment_.token;
    entry.node = moment_.node;
    note(std::move(entry));
  }
  void note_unrun(Outcome outcome, const std::vector<WallTime>& instants) {
    if (!instants.empty()) note_unrun(outcome, instants.back(), instants.size());
  }
  void note_run(const RunMark& run, Outcome outcome, std::string detail, std::optional<WallTime> ended) {
    HistoryEntry entry;
    entry.scheduled = run.scheduled;
    entry.outcome = outcome;
    entry.started = run.started;
    entry.ended = ended;
    entry.attempt = run.attempt;
    entry.token = run.token;
    entry.node = run.node;
    entry.detail = std::move(detail);
    note(std::move(entry));
  }

  void start(WallTime instant) {
    change();
    record().running.push_back({.scheduled = instant,
                                .started = moment_.now,
                                .attempt = 1,
                                .token = moment_.token,
                                .node = moment_.node,
                                .life = moment_.life});
    decision_.start.push_back(record().running.back());
  }
  [[nodiscard]] bool is_beyond_deadline(WallTime instant) const {
    return plan_.policy.deadline.count() > 0 && moment_.now - instant > plan_.policy.deadline;
  }
  /// What waits starts, if it may.
  void start_waiting() {
    std::vector<WallTime>& pending = record().pending;
    while (!pending.empty() && record().running.size() < most_at_once()) {
      const WallTime instant = pending.front();
      pending.erase(pending.begin());
      change();
      if (is_beyond_deadline(instant)) {
        note_unrun(Outcome::missed, instant, 1);
      } else {
        start(instant);
      }
    }
  }
  /// Instants that have come while nothing was going on follow each other; while something is, the policy
  /// says what becomes of them.
  void admit(std::vector<WallTime> instants) {
    if (instants.empty()) return;
    change();
    std::vector<WallTime>& pending = record().pending;
    if (!is_busy()) {
      pending.insert(pending.end(), instants.begin(), instants.end());
      return;
    }
    if (plan_.policy.overlap == Overlap::queue && pending.empty()) {
      pending.push_back(instants.front());
      instants.erase(instants.begin());
    }
    note_unrun(Outcome::overlapped, instants);
  }

 private:
  const JobPlan& plan_;
  const Moment& moment_;
  Decision decision_;
};

Due due_instants(const JobPlan& plan, WallTime decided, WallTime now) {
  // As many as can be wanted, and those that are on time.
  const std::size_t most =
      plan.policy.most_catch_up + 1 + static_cast<std::size_t>(plan.policy.on_time / std::chrono::seconds(1));
  Due due;
  auto instant = plan.schedule.next(decided);
  for (; instant && *instant + delay_of(plan, *instant) <= now; instant = plan.schedule.next(*instant)) {
    if (due.newest.size() == most) {
      due.last_older = due.newest.front();
      ++due.older;
      due.newest.pop_front();
    }
    due.newest.push_back(*instant);
  }
  return due;
}

void note_lost(Round& round, const Moment& moment) {
  const auto is_lost = [&](const RunMark& run) {
    return !std::ranges::binary_search(moment.members, run.life);
  };
  std::vector<RunMark>& running = round.record().running;
  for (const RunMark& run : running) {
    if (is_lost(run)) round.note_run(run, Outcome::lost, "its node ended without a word", std::nullopt);
  }
  std::erase_if(running, is_lost);
}

/// A job that is new, or has another schedule now: what that would have asked for before this node was told
/// of it is not missed.
void begin(Round& round, const JobPlan& plan, const Moment& moment) {
  std::string schedule = text_of(plan.schedule);
  if (round.record().schedule == schedule) return;
  round.change();
  round.record().schedule = std::move(schedule);
  round.record().decided = std::max(round.record().decided, moment.known_since);
}

/// What was asked for is run though the job is paused; then nothing else may start with it.
void take_asked(Round& round) {
  std::vector<WallTime> asked = std::exchange(round.record().asked, {});
  if (!round.record().paused) return round.admit(std::move(asked));
  for (const WallTime instant : asked) {
    if (round.record().running.size() < round.most_at_once()) {
      round.start(instant);
    } else {
      round.note_unrun(Outcome::overlapped, instant, 1);
    }
  }
}

/// Which of the late ones are run all the same; the others are noted.
std::vector<WallTime> caught_up(Round& round, const JobPlan& plan, std::vector<WallTime> late, const Due& due,
                                bool others_follow) {
  std::size_t wanted = 0;
  if (plan.policy.missed == Missed::once && !others_follow) wanted = 1;
  if (plan.policy.missed == Missed::all) wanted = plan.policy.most_catch_up;
  std::size_t from = late.size() - std::min(wanted, late.size());
  while (from < late.size() && round.is_beyond_deadline(late[from])) ++from;
  const auto split = late.begin() + static_cast<std::ptrdiff_t>(from);
  const std::uint64_t unrun = due.older + from;
  if (unrun > 0) round.note_unrun(Outcome::missed, from > 0 ? late[from - 1] : due.last_older, unrun);
  return {split, late.end()};
}

}  // namespace

Decision decide(const JobPlan& plan, JobRecord record, const Moment& moment) {
  Round round(plan, std::move(record), moment);
  if (moment.token < round.record().token) return round.stale();
  note_lost(round, moment);
  begin(round, plan, moment);
  take_asked(round);
  if (round.record().paused) return round.take();

  const Due due = due_instants(plan, round.record().decided, moment.now);
  if (!due.newest.empty()) {
    round.change();
    round.record().decided = due.newest.back();
  }
  std::vector<WallTime> late, prompt;
  for (const WallTime instant : due.newest) {
    const bool is_late = moment.now - instant - delay_of(plan, instant) > plan.policy.on_time;
    (is_late || round.is_beyond_deadline(instant) ? late : prompt).push_back(instant);
  }
  std::vector<WallTime> wanted = caught_up(round, plan, std::move(late), due, !prompt.empty());
  wanted.insert(wanted.end(), prompt.begin(), prompt.end());
  round.admit(std::move(wanted));
  round.start_waiting();
  return round.take();
}

Decision end_run(const JobPlan& plan, JobRecord record, const RunMark& run, const Ending& ending,
                 const Moment& moment) {
  Round round(plan, std::move(record), moment);
  std::vector<RunMark>& running = round.record().running;
  const auto mark = std::ranges::find(running, run);
  if (mark == running.end()) return round.take();
  const std::size_t cut = ending.detail.size() - std::min(ending.detail.size(), kMaxDetail);
  round.note_run(run, ending.outcome, ending.detail.substr(cut), moment.now);
  if (ending.after == After::repeat) {
    ++mark->attempt;
    mark->started = moment.now + retry_delay(plan.policy, mark->attempt);
    return round.take();
  }
  running.erase(mark);
  if (ending.after == After::go_on && !round.record().paused) round.start_waiting();
  return round.take();
}

Decision give_back(JobRecord record, const RunMark& run, const Moment& moment) {
  Decision decision{.record = std::move(record), .start = {}, .entries = {}};
  const auto mark = std::ranges::find(decision.record.running, run);
  if (mark == decision.record.running.end()) return decision;
  decision.record.running.erase(mark);
  decision.record.pending.insert(decision.record.pending.begin(), run.scheduled);
  decision.record.token = std::max(decision.record.token, moment.token);
  decision.is_change = true;
  return decision;
}

bool ask(JobRecord& record, WallTime now) {
  if (record.asked.size() >= kMostRuns) return false;
  // Each has an instant of its own, by which its run is known.
  constexpr WallTime::duration kTick{1};
  record.asked.push_back(record.asked.empty() ? now : std::max(now, record.asked.back() + kTick));
  return true;
}

JobRecord paused(JobRecord record) {
  record.paused = true;
  return record;
}

JobRecord resumed(JobRecord record, WallTime now) {
  // Clocks differ a little; one that was far ahead must not silence the job until its time comes.
  constexpr std::chrono::minutes kFarAhead{1};
  const bool was_ahead = record.decided > now + kFarAhead;
  if (record.paused) record.decided = was_ahead ? now : std::max(record.decided, now);
  record.paused = false;
  return record;
}

std::optional<WallTime> next_look(const JobPlan& plan, const JobRecord& record, WallTime known_since) {
  if (record.paused) return std::nullopt;
  const bool is_known = record.schedule == text_of(plan.schedule);
  const auto instant = plan.schedule.next(is_known ? record.decided : std::max(record.decided, known_since));
  if (!instant) return std::nullopt;
  return *instant + delay_of(plan, *instant);
}

std::string text_of(const Schedule& schedule) {
  constexpr std::size_t kMost = 200;
  std::string text = schedule.expression() + ' ' + schedule.time_zone();
  if (text.size() <= kMost) return text;
  const std::uint64_t hash = hash_key(text);
  text.resize(kMost - 20);
  return fmt::format("{}... {:016x}", text, hash);
}

nanoseconds delay_of(const JobPlan& plan, WallTime instant) {
  const nanoseconds jitter = plan.policy.jitter;
  if (jitter.count() == 0) return nanoseconds{0};
  const std::string text = fmt::format("{}@{}", plan.name, instant.time_since_epoch().count());
  return nanoseconds(static_cast<std::int64_t>(hash_key(text) % static_cast<std::uint64_t>(jitter.count())));
}

std::chrono::milliseconds retry_delay(const JobPolicy& policy, unsigned attempt) {
  constexpr std::chrono::milliseconds kMost = std::chrono::hours(1);
  std::chrono::milliseconds delay = policy.retry_delay;
  for (unsigned done = 2; done < attempt && delay < kMost; ++done) delay *= 2;
  return std::min(delay, kMost);
}

}  // namespace nodepool::cron
