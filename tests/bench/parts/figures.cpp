#include "parts/figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace nodepool::bench {
namespace {

std::string words_of(const Target& target) {
  if (target.relation.empty()) return {};
  return fmt::format(" target {} {:.6g}", target.relation, target.value);
}

/// Three digits that count, and never an exponent: awk and people read them alike.
std::string number(double value) {
  const double size = std::abs(value);
  const int decimals = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return fmt::format("{:.{}f}", value, decimals);
}

}  // namespace

void print_figure(std::string_view name, double value, std::string_view unit, const Target& target) {
  fmt::print("figure {} {} {}{}\n", name, number(value), unit, words_of(target));
  std::fflush(stdout);
}

void print_failure(std::string_view name, std::string_view unit, const Target& target, std::string_view why) {
  fmt::print("figure {} failed {}{}\n", name, unit, words_of(target));
  std::fflush(stdout);
  fmt::print(stderr, "{} failed: {}\n", name, why);
}

void Samples::add(std::chrono::nanoseconds sample) {
  sorted_.insert(std::ranges::upper_bound(sorted_, sample), sample);
}

std::chrono::nanoseconds Samples::quantile(double share) const {
  if (sorted_.empty()) return {};
  const double rank = std::ceil(share * static_cast<double>(sorted_.size()));
  const auto index = static_cast<std::size_t>(std::max(1.0, rank)) - 1;
  return sorted_[std::min(index, sorted_.size() - 1)];
}

double seconds(std::chrono::nanoseconds duration) noexcept {
  return std::chrono::duration<double>(duration).count();
}

double microseconds(std::chrono::nanoseconds duration) noexcept {
  return std::chrono::duration<double, std::micro>(duration).count();
}

std::string option(int argc, char** argv, std::string_view name, std::string_view otherwise) {
  for (int index = 1; index + 1 < argc; ++index) {
    if (argv[index] == name) return argv[index + 1];
  }
  return std::string(otherwise);
}

unsigned number_option(int argc, char** argv, std::string_view name, unsigned otherwise) {
  const std::string text = option(argc, argv, name, "");
  return text.empty() ? otherwise : static_cast<unsigned>(std::strtoul(text.c_str(), nullptr, 10));
}

}  // namespace nodepool::bench
