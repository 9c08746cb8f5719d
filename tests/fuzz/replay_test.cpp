// The corpus without a fuzzer: what was once found stays found.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "fuzz/targets.hpp"

namespace {

namespace fs = std::filesystem;
using nodepool::fuzz::Target;

std::string bytes_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

class FuzzCorpus : public testing::TestWithParam<Target> {};

TEST_P(FuzzCorpus, HoldsNoFinding) {
  const Target target = GetParam();
  int files = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(NODEPOOL_FUZZ_CORPUS) / target.name)) {
    const std::string bytes = bytes_of(entry.path());
    EXPECT_NO_THROW(target.run(bytes)) << entry.path();
    // Whatever is cut off the end is an input of its own.
    for (std::size_t part = 1; part < 8; ++part) {
      EXPECT_NO_THROW(target.run(std::string_view(bytes).substr(0, bytes.size() * part / 8)))
          << "the first " << part << " eighths of " << entry.path();
    }
    ++files;
  }
  EXPECT_GT(files, 0) << "there is no corpus for " << target.name;
}

INSTANTIATE_TEST_SUITE_P(Of, FuzzCorpus, testing::ValuesIn(nodepool::fuzz::targets()),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
