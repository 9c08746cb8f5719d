#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "nodepool/types.hpp"
#include "nodepool/view.hpp"

namespace nodepool::go_dispatch {

/// Since when the list is as it is. A change becomes known to each node at another moment, a period apart at
/// most; so who waits for a whole period before it acts on a new list finds that all others have stopped to
/// act on the old one. Pure.
///
/// A list that was seen twice counts as unchanged in between, as long as no more than a period lies between:
/// a change that came and went meanwhile was not acted on by anybody. Who looks less often calls `restart`.
class Stability {
 public:
  /// `needed`: how long the list must stay the same.
  explicit Stability(std::chrono::milliseconds needed) : needed_(needed) {}

  /// The list as it was read between these two instants. True if it starts a new view.
  bool observe(const std::vector<NodeInfo>& members, MonotonicTime begun, MonotonicTime ended) {
    if (!fresh_ && members == members_) {
      settled_ = settled_ || begun >= settles_at();
      return false;
    }
    fresh_ = false;
    settled_ = false;
    members_ = members;
    since_ = ended;
    return true;
  }
  /// What was seen before counts no more: the next list starts a new view whatever it has.
  void restart() noexcept {
    fresh_ = true;
    settled_ = false;
  }

  [[nodiscard]] const std::vector<NodeInfo>& members() const noexcept { return members_; }
  [[nodiscard]] bool settled() const noexcept { return settled_; }
  /// From when on a look that finds the same list settles it.
  [[nodiscard]] MonotonicTime settles_at() const noexcept { return since_ + needed_; }

 private:
  std::chrono::milliseconds needed_;
  std::vector<NodeInfo> members_;
  MonotonicTime since_;  ///< The end of the first look that found this list.
  bool fresh_ = true;
  bool settled_ = false;
};

}  // namespace nodepool::go_dispatch
