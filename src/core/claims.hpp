#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nodepool/export.hpp"
#include "nodepool/ring.hpp"

namespace nodepool {

/// The claims of one node: which jobs run here under a claim, and what has been said to them. Pure; not
/// thread-safe.
class NODEPOOL_EXPORT ClaimLedger {
 public:
  using Serial = std::uint64_t;  ///< Tells one claim of a job from the next; never used twice.

  /// Enters a claim; none if one of the same job is still running here. O(log claims).
  [[nodiscard]] std::optional<Serial> add(std::string_view job);
  /// The claim has ended. True if another node may be waiting for it: the store should know at once. O(log
  /// claims).
  bool remove(std::string_view job, Serial serial);

  /// The right of all claims is gone (lease lost, grace over): returns those that were not told before. They
  /// stay entered, as the job may still be running, but are reported to nobody any more.
  [[nodiscard]] std::vector<Serial> revoke_all();
  /// The same for the claims whose job is outside `owned`: nobody will wait for them.
  [[nodiscard]] std::vector<Serial> revoke_outside(const ArcSet& owned);
  /// Claims whose job is outside `owned` and that were not told before: somebody waits for them.
  [[nodiscard]] std::vector<Serial> ask_to_hand_over(const ArcSet& owned);
  /// R5: jobs with a rightful claim that the view gives to somebody else. Ascending.
  [[nodiscard]] std::vector<std::string> held(const ArcSet& owned) const;

  /// Claims not yet released, rightful or not.
  [[nodiscard]] std::size_t size() const noexcept { return claims_.size(); }

 private:
  struct Entry {
    Serial serial = 0;
    std::uint64_t hash = 0;
    bool revoked = false;
    bool asked = false;
  };
  std::map<std::string, Entry, std::less<>> claims_;
  Serial last_serial_ = 0;
};

}  // namespace nodepool
