#include "ring/point_hash.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "ring/xxh64.hpp"

namespace nodepool::ring {
namespace {

/// Digits that fit behind up to 7 bytes of a name in two words.
constexpr std::size_t kMaxDigits = 8;

/// Hashes of texts of one length that begin with one name and end in some digits.
class NumberedName {
 public:
  /// REQUIRES: the digits complete no stripe that the name has begun, and are at most `kMaxDigits`.
  NumberedName(std::string_view name, std::size_t digits) noexcept
      : begun_(xxh64::begin(name, name.size() + digits)) {
    for (; name.size() >= 8; name.remove_prefix(8)) {
      begun_ = xxh64::take_eight(begun_, xxh64::read_eight(name.data()));
    }
    name.copy(tail_.data(), name.size());
    name_size_ = name.size();
    tail_size_ = name.size() + digits;
  }

  /// The hashes for `first`, `first` + 1, ... as far as the last digit goes. REQUIRES: `first` is a multiple
  /// of ten and has the number of digits that was announced.
  void hash_ten(std::size_t first, std::span<std::uint64_t> hashes) noexcept {
    for (std::size_t place = tail_size_; place > name_size_; first /= 10) {
      tail_[--place] = static_cast<char>('0' + first % 10);
    }
    std::uint64_t low = xxh64::read_eight(tail_.data());
    std::uint64_t high = xxh64::read_eight(tail_.data() + 8);
    // Counting in registers: a byte written and read back among eight would have to wait for memory.
    std::uint64_t& last_word = tail_size_ > 8 ? high : low;
    const std::uint64_t last_digit = std::uint64_t{1} << (8 * ((tail_size_ - 1) % 8));
    for (std::uint64_t& hash : hashes) {
      hash = xxh64::take_tail(begun_, low, high, tail_size_);
      last_word += last_digit;
    }
  }

 private:
  std::uint64_t begun_;          ///< Has taken in the length and all of the name that fills words.
  std::array<char, 16> tail_{};  ///< What the name leaves over, and the digits.
  std::size_t name_size_ = 0;    ///< Of the name, in the tail.
  std::size_t tail_size_ = 0;
};

void hash_one_by_one(std::string_view name, std::size_t first, std::span<std::uint64_t> hashes) {
  for (std::uint64_t& hash : hashes) {
    hash = xxh64::hash(std::string(name) + std::to_string(first++));
  }
}

}  // namespace

void hash_points(std::string_view name, std::span<std::uint64_t> hashes) {
  // Numbers of one length go together: the length is part of the hash from the start.
  std::size_t first = 0;
  std::size_t end = 10;
  for (std::size_t digits = 1; first < hashes.size(); ++digits, first = end, end *= 10) {
    const auto numbers = hashes.subspan(first, std::min(end, hashes.size()) - first);
    if (name.size() % xxh64::kStripe + digits >= xxh64::kStripe || digits > kMaxDigits) {
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
