// Files that are nearly right are what people write: the corpus, with random damage, is read or refused.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "fuzz/targets.hpp"

namespace {

namespace fs = std::filesystem;

std::vector<std::string> cron_files() {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(fs::path(NODEPOOL_FUZZ_CORPUS) / "cron_file")) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> texts;
  for (const fs::path& path : paths) {
    std::ifstream stream(path, std::ios::binary);
    texts.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
  }
  return texts;
}

/// A character that means something in one of the forms, or any byte.
char any_byte(std::mt19937& random) {
  constexpr std::string_view kTelling = "\n\r\t \"'#%=*/,-~@[]{}.\\:0159azLW\xc3\xa4";
  const std::size_t pick = random() % (2 * kTelling.size());
  return pick < kTelling.size() ? kTelling[pick] : static_cast<char>(random() & 0xffU);
}

void damage(std::string& text, const std::string& other, std::mt19937& random) {
  const std::size_t at = text.empty() ? 0 : random() % text.size();
  switch (random() % 5) {
    case 0:
      if (!text.empty()) text[at] = any_byte(random);
      break;
    case 1:
      text.insert(at, 1, any_byte(random));
      break;
    case 2:
      text.erase(at, 1 + random() % 8);
      break;
    case 3:
      text.insert(at, text.substr(text.empty() ? 0 : random() % text.size(), random() % 40));
      break;
    case 4:
      text.replace(at, random() % 20,
                   other.substr(other.empty() ? 0 : random() % other.size(), random() % 80));
      break;
  }
}

TEST(CronFile, HoweverDamagedIsReadOrRefused) {
  const std::vector<std::string> files = cron_files();
  ASSERT_FALSE(files.empty());
  for (unsigned seed = 0; seed < 4000; ++seed) {
    std::mt19937 random(seed);
    std::string text = files[seed % files.size()];
    for (auto count = random() % 12; count > 0; --count) damage(text, files[random() % files.size()], random);
    ASSERT_NO_THROW(nodepool::fuzz::cron_file(text)) << "seed " << seed << ":\n" << text;
  }
}

}  // namespace
