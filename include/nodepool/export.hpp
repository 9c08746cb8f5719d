#pragma once

/// Marks what a shared build of nodepool exports. Everything else is hidden (-fvisibility=hidden).
#if defined(__GNUC__)
#define NODEPOOL_EXPORT __attribute__((visibility("default")))
#else
#define NODEPOOL_EXPORT
#endif
