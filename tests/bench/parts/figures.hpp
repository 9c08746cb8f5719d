#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

/// What benchmarks tell: lines that people can read and scripts/bench makes its table of.

namespace nodepool::bench {

/// What a figure should be: "<=" 15, or nothing (an empty `relation`).
struct Target {
  std::string relation;
  double value = 0;
};

/// "figure <name> <value> <unit> target <relation> <value>"; without a target the line ends after the unit.
/// No part may hold a blank.
void print_figure(std::string_view name, double value, std::string_view unit, const Target& target = {});
/// The same for what could not be measured: "figure <name> failed <unit> target ...". `why` is told too.
void print_failure(std::string_view name, std::string_view unit, const Target& target, std::string_view why);

/// Durations of one kind of event.
class Samples {
 public:
  void add(std::chrono::nanoseconds sample);
  [[nodiscard]] bool empty() const noexcept { return sorted_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return sorted_.size(); }
  /// The smallest sample that is at least as great as this share (0 to 1) of them; 0 if there are none.
  [[nodiscard]] std::chrono::nanoseconds quantile(double share) const;
  [[nodiscard]] std::chrono::nanoseconds median() const { return quantile(0.5); }

 private:
  std::vector<std::chrono::nanoseconds> sorted_;
};

[[nodiscard]] double seconds(std::chrono::nanoseconds duration) noexcept;
[[nodiscard]] double microseconds(std::chrono::nanoseconds duration) noexcept;

/// The value after "--name", or `otherwise`.
[[nodiscard]] std::string option(int argc, char** argv, std::string_view name, std::string_view otherwise);
[[nodiscard]] unsigned number_option(int argc, char** argv, std::string_view name, unsigned otherwise);

}  // namespace nodepool::bench
