#include "fuzz/finding.hpp"
#include "fuzz/targets.hpp"
#include "nodepool/schedule.hpp"

namespace nodepool::fuzz {
namespace {

/// 1970 to 2233, from the bytes, so that one input is always the same case.
WallTime start_of(std::string_view bytes) {
  std::uint64_t number = bytes.size();
  for (const char c : bytes) number = number * 1099511628211U + static_cast<unsigned char>(c);
  return WallTime(std::chrono::seconds(number % 8'300'000'000U));
}

void check_refusal(const Error& error) {
  expect(error.code == ErrorCode::invalid_argument,
         "an expression that cannot be read is an invalid argument");
  for (const char c : error.message) expect(c >= 0x20 && c < 0x7f, "a message is printable");
}

}  // namespace

void schedules(std::string_view bytes) {
  const auto schedule = cron::Schedule::parse(bytes, {.time_zone = "Europe/Berlin", .job = "job"});
  if (!schedule) return check_refusal(schedule.error());
  expect(!schedule->describe().empty(), "every schedule can be described");
  std::optional<WallTime> before = start_of(bytes);
  for (int i = 0; i < 4 && before; ++i) {
    const auto due = schedule->next(*before);
    expect(!due || *due > *before, "the next instant is later");
    expect(!due || schedule->next(*due - std::chrono::nanoseconds(1)) == due, "nothing lies between");
    before = due;
  }
  const auto again =
      cron::Schedule::parse(schedule->expression(), {.time_zone = "Europe/Berlin", .job = "job"});
  expect(again && again->describe() == schedule->describe(), "an expression reads back");
}

}  // namespace nodepool::fuzz
