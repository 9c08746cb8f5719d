// The text forms of a job's record and of its history: JSON with a fixed order of fields.

#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "cron/job_record.hpp"

namespace nodepool::cron {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::nanoseconds;

constexpr std::array kOutcomes{Outcome::succeeded, Outcome::failed, Outcome::timed_out, Outcome::stopped,
                               Outcome::lost,      Outcome::missed, Outcome::overlapped};

/// Nothing that a program has put out is thrown over: what is no UTF-8 is replaced.
std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

template <class Number>
Number number_of(const Json& json) {
  const bool fits = json.is_number_unsigned()
                        ? std::in_range<Number>(json.get<std::uint64_t>())
                        : json.is_number_integer() && std::in_range<Number>(json.get<std::int64_t>());
  if (!fits) throw std::out_of_range("a number is missing or out of its range");
  return json.get<Number>();
}

Json json_of(WallTime time) {
  return std::chrono::duration_cast<nanoseconds>(time.time_since_epoch()).count();
}
WallTime time_of(const Json& json) {
  return WallTime(nanoseconds(number_of<std::int64_t>(json)));
}
std::optional<WallTime> time_if_any(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return time_of(json);
}

Json json_of(const RunMark& run) {
  return {{"scheduled_ns", json_of(run.scheduled)},
          {"started_ns", json_of(run.started)},
          {"attempt", run.attempt},
          {"token", run.token.value},
          {"node", run.node},
          {"life", run.life.str()}};
}
RunMark run_of(const Json& json) {
  return {.scheduled = time_of(json.at("scheduled_ns")),
          .started = time_of(json.at("started_ns")),
          .attempt = number_of<unsigned>(json.at("attempt")),
          .token = {number_of<std::uint64_t>(json.at("token"))},
          .node = json.at("node").get<std::string>(),
          .life = NodeId(json.at("life").get<std::string>())};
}
void put_times(Json& json, const char* key, const std::vector<WallTime>& times) {
  for (const WallTime time : times) json[key].push_back(json_of(time));
}
std::vector<WallTime> times_of(const Json& json, const char* key) {
  std::vector<WallTime> times;
  for (const Json& time : json.value(key, Json::array())) times.push_back(time_of(time));
  return times;
}

Outcome outcome_of(const Json& json) {
  const auto name = json.get<std::string>();
  for (const Outcome outcome : kOutcomes) {
    if (to_string(outcome) == name) return outcome;
  }
  throw std::out_of_range("there is no such outcome");
}

tl::unexpected<Error> corrupt(const char* what, const std::exception& why) {
  return failure(ErrorCode::store_corrupt,
                 std::string("the store has ") + what + " that cannot be read: " + why.what());
}

/// What is not one JSON text of that form, told by an exception of the library or of ours.
template <class Read>
auto read(std::string_view text, const char* what, Read read_json)
    -> Result<decltype(read_json(std::declval<const Json&>()))> {
  try {
    return read_json(Json::parse(text));
  } catch (const std::exception& e) {
    return corrupt(what, e);
  }
}

}  // namespace

std::string_view to_string(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::succeeded:
      return "succeeded";
    case Outcome::failed:
      return "failed";
    case Outcome::timed_out:
      return "timed_out";
    case Outcome::stopped:
      return "stopped";
    case Outcome::lost:
      return "lost";
    case Outcome::missed:
      return "missed";
    case Outcome::overlapped:
      return "overlapped";
  }
  return "?";
}

std::string to_json(const HistoryEntry& entry) {
  Json json{{"scheduled_ns", json_of(entry.scheduled)}, {"outcome", to_string(entry.outcome)}};
  if (entry.count != 1) json["count"] = entry.count;
  if (entry.started) json["started_ns"] = json_of(*entry.started);
  if (entry.ended) json["ended_ns"] = json_of(*entry.ended);
  json["attempt"] = entry.attempt;
  json["token"] = entry.token.value;
  json["node"] = entry.node;
  if (!entry.detail.empty()) json["detail"] = entry.detail;
  return text_of(json);
}

Result<HistoryEntry> parse_history_entry(std::string_view text) {
  return read(text, "an entry of a job's history", [](const Json& json) {
    return HistoryEntry{.scheduled = time_of(json.at("scheduled_ns")),
                        .count = json.contains("count") ? number_of<std::uint64_t>(json["count"]) : 1,
                        .outcome = outcome_of(json.at("outcome")),
                        .started = time_if_any(json.value("started_ns", Json())),
                        .ended = time_if_any(json.value("ended_ns", Json())),
                        .attempt = number_of<unsigned>(json.at("attempt")),
                        .token = {number_of<std::uint64_t>(json.at("token"))},
                        .node = json.at("node").get<std::string>(),
                        .detail = json.value("detail", std::string())};
  });
}

std::string to_json(const JobRecord& record) {
  Json json{{"decided_ns", json_of(record.decided)}, {"token", record.token.value}};
  if (record.paused) json["paused"] = true;
  put_times(json, "asked_ns", record.asked);
  put_times(json, "pending_ns", record.pending);
  for (const RunMark& run : record.running) json["running"].push_back(json_of(run));
  if (!record.schedule.empty()) json["schedule"] = record.schedule;
  return text_of(json);
}

Result<JobRecord> parse_job_record(std::string_view text) {
  if (text.empty()) return JobRecord{};
  return read(text, "a job's record", [](const Json& json) {
    JobRecord record{.decided = time_of(json.at("decided_ns")),
                     .token = {number_of<std::uint64_t>(json.at("token"))},
                     .paused = json.value("paused", false),
                     .asked = times_of(json, "asked_ns"),
                     .pending = times_of(json, "pending_ns"),
                     .running = {},
                     .schedule = json.value("schedule", std::string())};
    for (const Json& run : json.value("running", Json::array())) record.running.push_back(run_of(run));
    return record;
  });
}

}  // namespace nodepool::cron
