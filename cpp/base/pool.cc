#include "base/pool.h"

#include <system_error>

#include "base/error.h"

#ifdef __linux__
#include <pthread.h>
#include <sched.h>
#endif

namespace soleus {
namespace {

// Pinning is a wish: where the system refuses it, the thread runs unpinned.
#ifdef __linux__
void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

// Pins this thread for as long as it lives.
class Pinned {
 public:
  explicit Pinned(const std::vector<int>& cpus)
      : pinned_(!cpus.empty() && pthread_getaffinity_np(pthread_self(), sizeof(before_), &before_) == 0) {
    if (pinned_) pin(cpus.front());
  }
  ~Pinned() {
    if (pinned_) pthread_setaffinity_np(pthread_self(), sizeof(before_), &before_);
  }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

 private:
  cpu_set_t before_{};
  bool pinned_;
};
#else
void pin(int) {}

struct Pinned {
  explicit Pinned(const std::vector<int>&) {}
};
#endif

}  // namespace

Pool::Pool(int threads, std::vector<int> cpus) : cpus_(std::move(cpus)) {
  try {
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
  } catch (const std::system_error& error) {
    const std::size_t made = workers_.size() + 1;
    stop();
    throw InvalidInput("expected the system to give " + std::to_string(threads) + " threads, got " +
                       std::to_string(made) + ": " + error.what());
  }
}

Pool::~Pool() { stop(); }

void Pool::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  start_.notify_all();
  for (auto& worker : workers_) worker.join();
  workers_.clear();
}

void Pool::run(const std::function<void(int)>& job) {
  {
    std::lock_guard lock(mutex_);
    job_ = &job;
    running_ = static_cast<int>(workers_.size());
    ++generation_;
  }
  start_.notify_all();
  {
    const Pinned pinned(cpus_);
    job(0);
  }
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return running_ == 0; });
}

void Pool::work(int thread) {
  if (!cpus_.empty()) pin(cpus_[thread % cpus_.size()]);
  long seen = 0;
  std::unique_lock lock(mutex_);
  while (true) {
    start_.wait(lock, [&] { return stopping_ || generation_ != seen; });
    if (stopping_) return;
    seen = generation_;
    const auto& job = *job_;
    lock.unlock();
    job(thread);
    lock.lock();
    if (--running_ == 0) done_.notify_one();
  }
}

}  // namespace soleus
