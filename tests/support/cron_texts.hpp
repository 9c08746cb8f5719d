#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "cli/parts/cron_file.hpp"

namespace nodepool::test {

/// "3:5: there is no ..." for each fault; nothing if the file has none.
inline std::vector<std::string> fault_texts(const cli::CronFileResult& read) {
  std::vector<std::string> texts;
  if (read) return texts;
  for (const cli::FileFault& fault : read.error()) {
    texts.push_back(fmt::format("{}:{}: {}", fault.line, fault.column, fault.message));
  }
  return texts;
}

/// Reads a file that has no faults; one that has some fails the test and is empty.
inline cli::CronFile good_file(std::string_view text, cli::CronFormat format,
                               const cli::CronFileOptions& options = {}) {
  auto read = cli::parse_cron_file(text, format, options);
  EXPECT_EQ(fault_texts(read), std::vector<std::string>{}) << text;
  return read ? *std::move(read) : cli::CronFile{};
}

}  // namespace nodepool::test
