#include "daemon/loop/worker_thread.h"

#include <pthread.h>

#include <atomic>
#include <deque>
#include <utility>

#include "base/mutex.h"

namespace tidemark::daemon {
namespace {

base::Duration SinceStart() { return base::SystemClock().Now().since_start(); }

constexpr base::Duration::rep kIdle = -1;

}  // namespace

// Owned by the thread as much as by the WorkerThread: an abandoned thread ends on its own.
struct WorkerThread::Shared {
  struct Job {
    Task work;
    Task done;
  };

  std::shared_ptr<TaskQueue> replies;
  std::size_t queue_limit = 0;
  std::atomic<base::Duration::rep> busy_since{kIdle};

  base::Mutex mutex;
  base::CondVar changed;
  std::deque<Job> jobs TM_GUARDED_BY(mutex);
  bool running TM_GUARDED_BY(mutex) = false;
  bool stopping TM_GUARDED_BY(mutex) = false;
  bool finished TM_GUARDED_BY(mutex) = false;

  std::optional<Job> Next() TM_EXCLUDES(mutex) {
    base::MutexLock lock(mutex);
    running = false;
    while (jobs.empty() && !stopping) changed.Wait(mutex);
    if (jobs.empty()) {
      finished = true;
      changed.NotifyAll();
      return std::nullopt;
    }
    std::optional<Job> job(std::move(jobs.front()));
    jobs.pop_front();
    running = true;
    return job;
  }

  void RunJobs() {
    while (std::optional<Job> job = Next()) {
      busy_since.store(SinceStart().count());
      job->work();
      job->work = nullptr;
      busy_since.store(kIdle);
      replies->PostControl(std::move(job->done));
    }
  }
};

WorkerThread::WorkerThread(EventLoop& loop, const std::string& name, std::size_t queue_limit)
    : loop_(loop), shared_(std::make_shared<Shared>()), alive_(std::make_shared<Alive>()) {
  loop_.AssertOnLoop();
  shared_->replies = loop.queue();
  shared_->queue_limit = queue_limit;
  thread_ = std::thread([shared = shared_, short_name = name.substr(0, 15)] {
    pthread_setname_np(pthread_self(), short_name.c_str());
    shared->RunJobs();
  });
}

WorkerThread::~WorkerThread() {
  loop_.AssertOnLoop();
  alive_->value = false;
  if (!thread_.joinable()) return;
  {
    base::MutexLock lock(shared_->mutex);
    shared_->stopping = true;
    shared_->changed.NotifyAll();
  }
  thread_.join();
}

bool WorkerThread::Push(Task work, Task done) {
  loop_.AssertOnLoop();
  base::MutexLock lock(shared_->mutex);
  if (shared_->stopping || shared_->jobs.size() >= shared_->queue_limit) return false;
  // The reply may arrive after the owner has gone: only the loop reads and writes `alive`.
  shared_->jobs.push_back(
      {.work = std::move(work), .done = [alive = alive_, done = std::move(done)]() mutable {
         if (alive->value) done();
       }});
  shared_->changed.NotifyAll();
  return true;
}

std::size_t WorkerThread::pending() const {
  base::MutexLock lock(shared_->mutex);
  return shared_->jobs.size() + (shared_->running ? 1 : 0);
}

base::Duration WorkerThread::busy_for() const {
  const auto since = shared_->busy_since.load();
  return since == kIdle ? base::Duration(0) : SinceStart() - base::Duration(since);
}

bool WorkerThread::StopWithin(base::Duration grace) {
  loop_.AssertOnLoop();
  const auto deadline = SinceStart() + grace;
  bool finished = false;
  {
    base::MutexLock lock(shared_->mutex);
    shared_->stopping = true;
    shared_->changed.NotifyAll();
    while (!shared_->finished) {
      const auto left = deadline - SinceStart();
      if (left <= base::Duration(0)) break;
      shared_->changed.WaitFor(shared_->mutex, left);
    }
    finished = shared_->finished;
  }
  if (!finished) {
    Abandon();
    return false;
  }
  alive_->value = false;
  if (thread_.joinable()) thread_.join();
  return true;
}

void WorkerThread::Abandon() {
  loop_.AssertOnLoop();
  alive_->value = false;
  std::deque<Shared::Job> dropped;  // destroyed without the lock
  {
    base::MutexLock lock(shared_->mutex);
    shared_->stopping = true;
    dropped.swap(shared_->jobs);
    shared_->changed.NotifyAll();
  }
  if (thread_.joinable()) thread_.detach();
}

}  // namespace tidemark::daemon
