#define XXH_INLINE_ALL
#include <gtest/gtest.h>
#include <xxhash.h>

#include <random>
#include <string>
#include <vector>

#include "nodepool/ring.hpp"
#include "ring/point_hash.hpp"

namespace nodepool {
namespace {

std::string random_text(std::mt19937_64& random, std::size_t size) {
  std::string text(size, ' ');
  for (char& byte : text) {
    byte = static_cast<char>(random());
  }
  return text;
}

TEST(HashKey, EqualsTheReferenceAtEveryLengthAndAlignment) {
  std::mt19937_64 random(64);
  const std::string text = random_text(random, 400);
  for (std::size_t size = 0; size <= 300; ++size) {
    for (std::size_t start = 0; start < 9; ++start) {
      const auto key = std::string_view(text).substr(start, size);
      // A copy of just that size: reading beside it would be seen by a sanitizer.
      const std::vector<char> alone(key.begin(), key.end());
      ASSERT_EQ(hash_key({alone.data(), alone.size()}), XXH64(key.data(), key.size(), 0)) << size;
    }
  }
}

TEST(HashKeys, EqualsOneByOne) {
  std::mt19937_64 random(65);
  std::vector<std::string> texts;
  for (std::size_t size = 0; size < 100; ++size) {
    texts.push_back(random_text(random, size));
  }
  const std::vector<std::string_view> keys(texts.begin(), texts.end());
  std::vector<std::uint64_t> hashes(keys.size());
  hash_keys(keys, hashes);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(hashes[i], hash_key(keys[i]));
  }
  hash_keys({}, {});
}

TEST(HashPoints, EqualsNameAndNumberForEveryLengthOfBoth) {
  std::mt19937_64 random(66);
  std::vector<std::uint64_t> hashes(1'234);
  for (std::size_t size = 1; size <= 100; ++size) {
    const std::string name = random_text(random, size);
    ring::hash_points(name, hashes);
    for (std::size_t i = 0; i < hashes.size(); ++i) {
      ASSERT_EQ(hashes[i], hash_key(name + std::to_string(i))) << size << " bytes, point " << i;
    }
  }
}

TEST(HashPoints, CountsUpToTheGreatestNumberOfPoints) {
  std::vector<std::uint64_t> hashes(std::size_t{kMaxPoints} * kMaxWeight);
  for (const std::string name : {"a", "node-17", "twenty-nine-bytes-of-a-name-x"}) {
    ring::hash_points(name, hashes);
    for (std::size_t i = 0; i < hashes.size(); i += 9'973) {
      ASSERT_EQ(hashes[i], hash_key(name + std::to_string(i))) << name << i;
    }
    EXPECT_EQ(hashes.back(), hash_key(name + std::to_string(hashes.size() - 1)));
  }
}

}  // namespace
}  // namespace nodepool
