// A service without a pool: what the others are compared with.

#include "footprint/service.hpp"

int main() {
  return nodepool::bench::serve();
}
