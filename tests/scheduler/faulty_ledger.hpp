#pragma once

#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "nodepool/driver.hpp"

namespace nodepool::cron {

/// A driver whose ledger goes wrong at random, by a seed; its pool does not. Thread-safe.
class FaultyLedgers final : public Driver {
 public:
  FaultyLedgers(std::shared_ptr<Driver> inner, std::uint64_t seed) : inner_(std::move(inner)), seed_(seed) {}

  /// Of a hundred calls so many fail: a third of them before, and two thirds after they were done.
  void fail(int percent) { percent_ = percent; }
  [[nodiscard]] int failures() const { return failures_; }

  std::string describe() const override { return "faulty " + inner_->describe(); }
  Capabilities capabilities() const noexcept override { return inner_->capabilities(); }
  std::unique_ptr<Session> open(const ServiceName& service) override { return inner_->open(service); }
  std::unique_ptr<Ledger> open_ledger(const ServiceName& service) override {
    return std::make_unique<FaultyLedger>(*this, inner_->open_ledger(service), ++seed_);
  }

 private:
  class FaultyLedger final : public Ledger {
   public:
    FaultyLedger(FaultyLedgers& all, std::unique_ptr<Ledger> inner, std::uint64_t seed)
        : all_(all), inner_(std::move(inner)), random_(seed) {}

    Result<LedgerRecord> read(std::string_view job, MonotonicTime deadline) override {
      return with_faults([&] { return inner_->read(job, deadline); });
    }
    Result<LedgerWrite> write(const LedgerUpdate& update, MonotonicTime deadline) override {
      return with_faults([&] { return inner_->write(update, deadline); });
    }
    Result<std::vector<std::string>> history(std::string_view job, std::size_t most,
                                             MonotonicTime deadline) override {
      return inner_->history(job, most, deadline);
    }
    Result<std::vector<LedgerRecord>> all(MonotonicTime deadline) override { return inner_->all(deadline); }
    Result<bool> erase(std::string_view job, std::uint64_t expected, MonotonicTime deadline) override {
      return with_faults([&] { return inner_->erase(job, expected, deadline); });
    }

   private:
    template <class Call>
    auto with_faults(Call call) -> decltype(call()) {
      const bool fails = static_cast<int>(random_() % 100) < all_.percent_;
      if (!fails) return call();
      ++all_.failures_;
      if (random_() % 3 == 0) return failure(ErrorCode::unavailable, "the cable is cut");
      static_cast<void>(call());
      return failure(ErrorCode::outcome_unknown, "the reply was lost");
    }

    FaultyLedgers& all_;
    const std::unique_ptr<Ledger> inner_;
    std::mt19937_64 random_;
  };

  const std::shared_ptr<Driver> inner_;
  std::atomic<std::uint64_t> seed_;
  std::atomic<int> percent_{0};
  std::atomic<int> failures_{0};
};

}  // namespace nodepool::cron
