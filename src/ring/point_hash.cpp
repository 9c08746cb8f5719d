#include "ring/point_hash.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string>

#include "nodepool/ring.hpp"
#include "ring/xxh64.hpp"

namespace nodepool::ring {
namespace {

constexpr std::size_t kStripe = 32;

std::uint64_t read_eight(const char* bytes) noexcept {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

/// Hashes of texts of one length that begin with one name and end in some digits.
class NumberedName {
 public:
  /// REQUIRES: the digits complete no stripe that the name has begun.
  NumberedName(std::string_view name, std::size_t digits) noexcept {
    const std::size_t length = name.size() + digits;
    hash_ = (length < kStripe ? xxh64::kPrime5 : take_stripes(name)) + length;
    while (name.size() >= 8) {
      hash_ = xxh64::take_eight(hash_, read_eight(name.data()));
      name.remove_prefix(8);
    }
    name.copy(tail_.data(), name.size());
    digits_ = tail_.data() + name.size();
    tail_size_ = name.size() + digits;
  }

  /// The hashes for `first`, `first` + 1, ... as far as the last digit goes. REQUIRES: `first` is a multiple
  /// of ten, or 0, and has the number of digits that was announced.
  void hash_ten(std::size_t first, std::span<std::uint64_t> hashes) noexcept {
    for (char* digit = tail_.data() + tail_size_; digit != digits_; first /= 10) {
      *--digit = static_cast<char>('0' + first % 10);
    }
    std::uint64_t low = read_eight(tail_.data());
    std::uint64_t high = read_eight(tail_.data() + 8);
    // Counting in registers: a byte written and read back within eight would have to wait for memory.
    std::uint64_t& last_word = tail_size_ > 8 ? high : low;
    const std::uint64_t last_digit = std::uint64_t{1} << (8 * ((tail_size_ - 1) % 8));
    for (std::uint64_t& hash : hashes) {
      hash = hash_tail(low, high);
      last_word += last_digit;
    }
  }

 private:
  /// Reads all whole stripes off the name.
  static std::uint64_t take_stripes(std::string_view& name) noexcept {
    std::array<std::uint64_t, 4> lanes = {xxh64::kPrime1 + xxh64::kPrime2, xxh64::kPrime2, 0,
                                          0 - xxh64::kPrime1};
    for (; name.size() >= kStripe; name.remove_prefix(kStripe)) {
      for (std::size_t i = 0; i < lanes.size(); ++i) {
        lanes[i] = xxh64::round(lanes[i], read_eight(name.data() + 8 * i));
      }
    }
    std::uint64_t hash =
        std::rotl(lanes[0], 1) + std::rotl(lanes[1], 7) + std::rotl(lanes[2], 12) + std::rotl(lanes[3], 18);
    for (const std::uint64_t lane : lanes) {
      hash = xxh64::merge(hash, lane);
    }
    return hash;
  }

  [[nodiscard]] std::uint64_t hash_tail(std::uint64_t low, std::uint64_t high) const noexcept {
    std::uint64_t hash = hash_;
    std::size_t left = tail_size_;
    if (left >= 8) {
      hash = xxh64::take_eight(hash, low);
      low = high;
      left -= 8;
    }
    if (left >= 4) {
      hash = xxh64::take_four(hash, low & 0xffffffffU);
      low >>= 32U;
      left -= 4;
    }
    for (; left > 0; --left) {
      hash = xxh64::take_one(hash, low & 0xffU);
      low >>= 8U;
    }
    return xxh64::finish(hash);
  }

  std::uint64_t hash_ = 0;
  std::array<char, 16> tail_{};  ///< What the name leaves over, up to 7 bytes, and the digits, up to 8.
  char* digits_ = nullptr;       ///< Into the tail.
  std::size_t tail_size_ = 0;
};

void hash_one_by_one(std::string_view name, std::size_t first, std::span<std::uint64_t> hashes) {
  for (std::uint64_t& hash : hashes) {
    hash = hash_key(std::string(name) + std::to_string(first++));
  }
}

}  // namespace

void hash_points(std::string_view name, std::span<std::uint64_t> hashes) {
  // Numbers of one length go together: the length is part of the hash from the start.
  std::size_t first = 0;
  std::size_t end = 10;
  for (std::size_t digits = 1; first < hashes.size(); ++digits, first = end, end *= 10) {
    const auto numbers = hashes.subspan(first, std::min(end, hashes.size()) - first);
    const bool within_a_stripe = name.size() % kStripe + digits < kStripe;
    if (!within_a_stripe || digits > 8 || std::endian::native != std::endian::little) {
      hash_one_by_one(name, first, numbers);
      continue;
    }
    NumberedName numbered(name, digits);
    for (std::size_t done = 0; done < numbers.size(); done += 10) {
      numbered.hash_ten(first + done,
                        numbers.subspan(done, std::min<std::size_t>(10, numbers.size() - done)));
    }
  }
}

}  // namespace nodepool::ring
