#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <latch>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>
#include <vector>

#include "core/platform/cpu.h"
#include "core/platform/io_pool.h"
#include "core/platform/worker_pool.h"

namespace tw {
namespace {

TEST(WorkerPool, CoversEveryItemOnce) {
  for (const int threads : {1, 2, 4}) {
    WorkerPool pool(threads);
    for (const int64_t n : {0, 1, 7, 64, 1000, 12345}) {
      for (const int64_t grain : {1, 3, 100, 100000}) {
        std::vector<std::atomic<int>> seen(static_cast<size_t>(n));
        std::atomic<int64_t> shortest{n};
        pool.parallel_for(n, grain, [&](int64_t b, int64_t e) {
          for (int64_t i = b; i < e; ++i) seen[static_cast<size_t>(i)].fetch_add(1);
          int64_t s = shortest.load();
          while (e - b < s && !shortest.compare_exchange_weak(s, e - b)) {
          }
        });
        for (const auto& count : seen) ASSERT_EQ(count.load(), 1);
        EXPECT_GE(shortest.load(), std::min(n, grain));
      }
    }
  }
}

TEST(WorkerPool, SplitDependsOnSizesOnly) {
  const auto ranges = [](WorkerPool& pool) {
    std::mutex mutex;
    std::set<std::pair<int64_t, int64_t>> r;
    pool.parallel_for(1001, 10, [&](int64_t b, int64_t e) {
      std::lock_guard lock(mutex);
      r.insert({b, e});
    });
    return r;
  };
  WorkerPool a(3), b(3);
  const auto first = ranges(a);
  EXPECT_GT(first.size(), 3u);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(ranges(a), first);
    EXPECT_EQ(ranges(b), first);
  }
}

TEST(WorkerPool, OtherThreadsTakePart) {
  WorkerPool pool(2);
  // Two ranges that each wait for the other can only end on two threads.
  std::latch both(2);
  pool.parallel_for(2, 1, [&](int64_t, int64_t) { both.arrive_and_wait(); });
}

TEST(WorkerPool, RunsEveryTaskOnceInItsSlot) {
  WorkerPool pool(4);
  for (const int slots : {1, 2, 3, 4, 9}) {
    for (const int64_t tasks : {0, 1, 3, 4, 5, 1000}) {
      std::vector<std::atomic<int>> seen(static_cast<size_t>(tasks));
      std::vector<std::atomic<int>> busy(static_cast<size_t>(slots));
      std::atomic<int> shared{0};
      pool.run_tasks(tasks, slots, [&](int64_t task, int slot) {
        if (busy[static_cast<size_t>(slot)].fetch_add(1) != 0) shared.fetch_add(1);
        seen[static_cast<size_t>(task)].fetch_add(1);
        busy[static_cast<size_t>(slot)].fetch_sub(1);
      });
      for (const auto& count : seen) ASSERT_EQ(count.load(), 1);
      EXPECT_EQ(shared.load(), 0);
    }
  }
}

TEST(WorkerPool, TakesWhatASlowThreadLeaves) {
  WorkerPool pool(2);
  std::atomic<int> ran{0};
  // The first task of the slot that begins last ends only after all others, its own part's among them.
  pool.run_tasks(100, 2, [&](int64_t task, int) {
    if (task == 50) {
      while (ran.load() < 99) std::this_thread::yield();
    }
    ran.fetch_add(1);
  });
  EXPECT_EQ(ran.load(), 100);
}

TEST(WorkerPool, ThreadsKeepTheirTasks) {
  WorkerPool pool(3);
  std::vector<std::thread::id> first;
  for (int round = 0; round < 50; ++round) {
    std::latch all(3);
    std::vector<std::thread::id> on(3);
    pool.run_tasks(3, 3, [&](int64_t task, int slot) {
      EXPECT_EQ(task, slot);
      on[static_cast<size_t>(task)] = std::this_thread::get_id();
      all.arrive_and_wait();  // nobody is done before all are there
    });
    EXPECT_EQ(on[0], std::this_thread::get_id());
    if (round == 0) first = on;
    EXPECT_EQ(on, first);
  }
}

// One call in another, deeper than there is room for.
TEST(WorkerPool, NestsAsDeepAsAnybodyCalls) {
  WorkerPool pool(2);
  std::atomic<int> leaves{0};
  const std::function<void(int)> descend = [&](int depth) {
    pool.run_tasks(2, 2, [&](int64_t task, int) {
      if (task == 0 && depth > 0) descend(depth - 1);
      else leaves.fetch_add(1);
    });
  };
  descend(150);
  EXPECT_EQ(leaves.load(), 152);
}

// More threads than cores take turns, as the caller and a worker on one core do.
TEST(WorkerPool, WorksOnFewerCoresThanThreads) {
  WorkerPool pool(4 * available_cores());
  std::atomic<int64_t> sum{0};
  for (int round = 0; round < 200; ++round) {
    pool.run_tasks(50, pool.threads(), [&](int64_t task, int) { sum.fetch_add(task); });
  }
  EXPECT_EQ(sum.load(), 200 * 50 * 49 / 2);
}

TEST(Cpu, AThreadLeavesItsCoreAndMayComeBack) {
  std::thread([] {
    const int core = current_core(), cores = available_cores();
    if (core < 0 || cores < 2) GTEST_SKIP() << "Threads cannot be moved here";
    ASSERT_TRUE(keep_off_core(current_thread(), core));
    EXPECT_NE(current_core(), core);
    EXPECT_EQ(available_cores(), cores - 1);
    EXPECT_FALSE(keep_off_core(current_thread(), core)) << "It was kept off before";
    allow_core(core);
    EXPECT_EQ(available_cores(), cores);
  }).join();
}

TEST(Cpu, ASleepingThreadWakesElsewhere) {
  if (current_core() < 0 || available_cores() < 2) GTEST_SKIP() << "Threads cannot be moved here";
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> thread{0}, woke_on{-1};
    std::atomic<bool> wake{false};
    std::thread sleeper([&] {
      thread.store(current_thread());
      wake.wait(false);
      woke_on.store(current_core());
    });
    while (thread.load() == 0) std::this_thread::yield();
    const int core = current_core();
    ASSERT_TRUE(keep_off_core(thread.load(), core));
    wake.store(true);
    wake.notify_one();
    sleeper.join();
    EXPECT_NE(woke_on.load(), core);
  }
}

// Who wakes them keeps them off its core for as long as that takes, and no longer.
TEST(WorkerPool, ThreadsThatWereWokenMayRunAnywhere) {
  const int cores = available_cores();
  WorkerPool pool(std::max(cores, 2));
  const std::thread::id caller = std::this_thread::get_id();
  std::atomic<int> by_others{0}, confined{0};
  for (int round = 0; round < 20; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // until they sleep
    pool.run_tasks(4, pool.threads(), [&](int64_t, int) {
      if (std::this_thread::get_id() != caller) {
        ++by_others;
        confined += available_cores() != cores;
      }
      const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
      while (std::chrono::steady_clock::now() < end) {
      }
    });
  }
  EXPECT_GT(by_others.load(), 0);
  EXPECT_EQ(confined.load(), 0);
}

TEST(WorkerPool, NestsAndSharesBetweenCallers) {
  WorkerPool pool(3);
  std::atomic<int64_t> sum{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        pool.parallel_for(20, 1, [&](int64_t b, int64_t e) {
          for (int64_t i = b; i < e; ++i) {
            pool.parallel_for(100, 10, [&](int64_t b2, int64_t e2) { sum.fetch_add(e2 - b2); });
          }
        });
      }
    });
  }
  for (auto& t : callers) t.join();
  EXPECT_EQ(sum.load(), 4 * 50 * 20 * 100);
}

TEST(WorkerPool, RunsEveryTaskBeforeItEnds) {
  std::atomic<int> ran{0};
  {
    WorkerPool pool(3);
    for (int i = 0; i < 500; ++i) {
      pool.submit([&] {
        ran.fetch_add(1);
        pool.parallel_for(10, 1, [&](int64_t, int64_t) {});
      });
    }
  }
  EXPECT_EQ(ran.load(), 500);
  WorkerPool alone(1);
  const auto caller = std::this_thread::get_id();
  std::thread::id on;
  alone.submit([&] { on = std::this_thread::get_id(); });
  EXPECT_EQ(on, caller);
}

TEST(IoPool, BlockedTasksDoNotHoldUpOthers) {
  IoPool pool;
  constexpr int kTasks = 8;
  // Every task waits for all the others.
  std::latch all(kTasks), done(kTasks);
  std::atomic<int> failed{0};
  for (int i = 0; i < kTasks; ++i) {
    pool.submit(
        [&, i]() -> Status {
          all.arrive_and_wait();
          return i == 3 ? aborted("third") : Status();
        },
        [&](Status s) {
          failed.fetch_add(s.code() == Code::kAborted);
          done.count_down();
        });
  }
  done.wait();
  EXPECT_EQ(failed.load(), 1);
}

TEST(IoPool, IdleThreadsServeAgainAndThenEnd) {
  IoPool pool(20);
  for (int i = 0; i < 10; ++i) {
    std::latch done(1);
    pool.submit([] { return Status(); }, [&](Status) { done.count_down(); });
    done.wait();
  }
  EXPECT_LE(pool.threads(), 10);
  for (int i = 0; i < 500 && pool.threads() > 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(pool.threads(), 0);
}

TEST(IoPool, EndsAfterItsWork) {
  std::atomic<int> ran{0};
  {
    IoPool pool;
    for (int i = 0; i < 100; ++i) pool.submit([] { return Status(); }, [&](Status) { ran.fetch_add(1); });
  }
  EXPECT_EQ(ran.load(), 100);
}

}  // namespace
}  // namespace tw
