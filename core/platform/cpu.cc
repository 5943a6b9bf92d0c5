#include "core/platform/cpu.h"

#include <algorithm>
#include <thread>

#if defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(_WIN32)
#include <windows.h>

#include <vector>
#else
#include <unistd.h>
#endif
#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#endif

namespace tw {
namespace {

// 0 when the system does not say.
int64_t ask_system() {
#if defined(__APPLE__)
  // Of the performance cores, where there are two kinds; it is shared by a cluster.
  int64_t bytes = 0, cores = 1;
  size_t size = sizeof(bytes);
  if (sysctlbyname("hw.perflevel0.l2cachesize", &bytes, &size, nullptr, 0) == 0) {
    size = sizeof(cores);
    if (sysctlbyname("hw.perflevel0.cpusperl2", &cores, &size, nullptr, 0) != 0 || cores < 1) cores = 1;
    return bytes / cores;
  }
  size = sizeof(bytes);
  return sysctlbyname("hw.l2cachesize", &bytes, &size, nullptr, 0) == 0 ? bytes : 0;
#elif defined(_WIN32)
  DWORD size = 0;
  GetLogicalProcessorInformation(nullptr, &size);
  std::vector<SYSTEM_LOGICAL_PROCESSOR_INFORMATION> info(size / sizeof(SYSTEM_LOGICAL_PROCESSOR_INFORMATION));
  if (!GetLogicalProcessorInformation(info.data(), &size)) return 0;
  for (const auto& i : info) {
    if (i.Relationship == RelationCache && i.Cache.Level == 2) return static_cast<int64_t>(i.Cache.Size);
  }
  return 0;
#elif defined(_SC_LEVEL2_CACHE_SIZE)
  return sysconf(_SC_LEVEL2_CACHE_SIZE);
#else
  return 0;
#endif
}

}  // namespace

int64_t second_level_cache_bytes() {
  static const int64_t bytes = [] {
    const int64_t told = ask_system();
    return told > 0 ? told : int64_t{512} << 10;
  }();
  return bytes;
}

bool is_intel() {
#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
  return __builtin_cpu_is("intel") != 0;
#else
  return false;
#endif
}

int available_cores() {
#if defined(__linux__)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) return std::max(CPU_COUNT(&allowed), 1);
#endif
  return static_cast<int>(std::max(std::thread::hardware_concurrency(), 1u));
}

#if defined(__linux__)
int current_core() { return sched_getcpu(); }

int current_thread() { return static_cast<int>(syscall(SYS_gettid)); }

bool keep_off_core(int thread, int core) {
  cpu_set_t allowed;
  if (sched_getaffinity(thread, sizeof(allowed), &allowed) != 0 || CPU_COUNT(&allowed) < 2) return false;
  if (core < 0 || core >= CPU_SETSIZE || !CPU_ISSET(core, &allowed)) return false;
  CPU_CLR(core, &allowed);
  return sched_setaffinity(thread, sizeof(allowed), &allowed) == 0;
}

void allow_core(int core) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
  CPU_SET(core, &allowed);
  sched_setaffinity(0, sizeof(allowed), &allowed);
}
#else
int current_core() { return -1; }
int current_thread() { return 0; }
bool keep_off_core(int, int) { return false; }
void allow_core(int) {}
#endif

}  // namespace tw
