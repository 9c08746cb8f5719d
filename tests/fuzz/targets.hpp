#pragma once

#include <string>
#include <string_view>
#include <vector>

/// What the fuzzer and the replay of its corpus have in common: functions that take any bytes and throw
/// `Finding` if what must hold does not. No sanitizer or engine is needed to run them.

namespace nodepool::fuzz {

/// Bytes of a Redis server, cut at random: the cuts change nothing.
void resp(std::string_view bytes);
/// Answers of the Redis scripts (a text form, see reply_text.hpp): an error, or a reply that a node survives.
void replies(std::string_view bytes);
/// Records, states and configurations as they stand in stores: an error, or a value that reads back.
void records(std::string_view bytes);
/// What users write: URLs of stores and durations. No message shows a password.
void texts(std::string_view bytes);
/// Crontab expressions: an error, or a schedule whose instants grow and fit its zone.
void schedules(std::string_view bytes);
/// Cron files in either form: faults that are in the file, or entries that can be run.
void cron_file(std::string_view bytes);
/// The store's side of the protocol under any sequence of requests: its invariants hold.
void view_store(std::string_view bytes);
/// A file that may once have been an SQLite store: an error, or a store that works.
void sqlite_file(std::string_view bytes);

struct Target {
  std::string_view name;  ///< Of its folder in the corpus.
  void (*run)(std::string_view bytes);
};
/// All of them.
const std::vector<Target>& targets();

}  // namespace nodepool::fuzz
