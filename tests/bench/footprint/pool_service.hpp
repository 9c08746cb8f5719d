#pragma once

#include <memory>
#include <nodepool/pool.hpp>
#include <string>
#include <utility>

#include "footprint/service.hpp"

namespace nodepool::bench {

/// A small service that embeds one pool.
inline int serve_in_pool(const Result<std::shared_ptr<Driver>>& driver, std::string node) {
  if (!driver) return serve(driver.error().message);
  PoolOptions options;
  options.name = std::move(node);
  NodePool pool(ServiceName("footprint"), *driver, options);
  if (auto started = pool.start(); !started) return serve(started.error().message);
  return serve();
}

}  // namespace nodepool::bench
