#include <algorithm>
#include <array>
#include <string>

#include "tidy/rules.hpp"

namespace nodepool::tidy {
namespace {

/// Law 2: what the inside of the house must not touch.
constexpr std::array kImpure = {
    "this_thread", "thread",        "jthread",   "mutex",      "shared_mutex", "condition_variable",
    "socket",      "random_device", "rand(",     "srand(",     "::now(",       "printf",
    "fprintf",     "cout",          "cerr",      "clog",       "getenv",       "sleep",
    "usleep",      "nanosleep",     "sleep_for", "sleep_until"};

/// The library leaves a process's streams and its life to the process.
constexpr std::array kPrintOrExit = {
    "cout",    "cerr",  "clog",   "printf(", "fprintf(",    "vprintf(", "puts(",      "putchar(",
    "perror(", "exit(", "_exit(", "_Exit(",  "quick_exit(", "abort(",   "terminate(", "assert("};

template <class Tokens>
void ban(const SourceFile& file, const Tokens& tokens, const std::string& rule, const std::string& why,
         std::vector<Finding>& findings) {
  for (std::size_t i = 0; i < file.code.size(); ++i) {
    const auto found = std::find_if(tokens.begin(), tokens.end(),
                                    [&](const char* token) { return has_word(file.code[i], token); });
    if (found != tokens.end()) {
      findings.push_back(file.finding(i, rule, std::string("uses ") + *found + "; " + why));
    }
  }
}

bool is_blank(const std::string& line) {
  return line.find_first_not_of(' ') == std::string::npos;
}

void check_pragma_once(const SourceFile& file, std::vector<Finding>& findings) {
  const auto first = std::find_if_not(file.code.begin(), file.code.end(), is_blank);
  if (first == file.code.end() || *first != "#pragma once") {
    findings.push_back(file.finding(0, "pragma-once", "the header does not start with #pragma once"));
  }
}

}  // namespace

void check_tokens(const SourceFile& file, std::vector<Finding>& findings) {
  if (file.is_header()) {
    check_pragma_once(file, findings);
  }
  if (file.is_in("src/ring/") || file.is_in("src/core/") || file.is_in("src/cron/")) {
    ban(file, kImpure, "pure-token", "this room is pure: take it as an argument (law 2)", findings);
  }
  if ((file.is_in("src/") && !file.is_in("src/cli/")) || file.is_in("include/")) {
    ban(file, kPrintOrExit, "print-or-exit", "only the command prints or exits: return an error", findings);
  }
  if (file.is_in("src/")) {
    constexpr std::array kDefault = {"default:"};
    ban(file, kDefault, "default-label", "name every case, so that the compiler finds a missing one",
        findings);
  }
}

}  // namespace nodepool::tidy
