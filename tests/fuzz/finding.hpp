#pragma once

#include <stdexcept>
#include <string>

namespace nodepool::fuzz {

/// What must hold did not.
class Finding : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

inline void expect(bool holds, const char* what) {
  if (!holds) throw Finding(what);
}

}  // namespace nodepool::fuzz
