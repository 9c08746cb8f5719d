#include <utility>

#include "nodepool/pool.hpp"
#include "runtime/claim_control.hpp"

namespace nodepool {

Claim::Claim(std::shared_ptr<detail::ClaimControl> control) noexcept : control_(std::move(control)) {}
Claim::Claim(Claim&&) noexcept = default;

Claim& Claim::operator=(Claim&& other) noexcept {
  if (this != &other) {
    release();
    control_ = std::move(other.control_);
  }
  return *this;
}

Claim::~Claim() {
  release();
}

const std::string& Claim::job() const noexcept {
  return control_->job;
}
FencingToken Claim::token() const noexcept {
  return control_->token;
}
MonotonicTime Claim::valid_until() const noexcept {
  return control_->valid_until();
}
bool Claim::valid() const noexcept {
  return BootClock::now() < control_->valid_until();
}
std::stop_token Claim::stop_token() const noexcept {
  return control_->stop.get_token();
}
std::stop_token Claim::hand_over_token() const noexcept {
  return control_->hand_over.get_token();
}

void Claim::release() noexcept {
  if (control_) control_->release();
}

}  // namespace nodepool
