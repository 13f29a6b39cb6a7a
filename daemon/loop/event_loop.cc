#include "daemon/loop/event_loop.h"

#include <cstdio>
#include <vector>

#include "base/mutex.h"
#include "daemon/loop/timer.h"
#include "daemon/loop/uv_handle.h"

namespace tidemark::daemon {
namespace {

// Tasks per turn: timers and sockets get their turn also under a flood.
constexpr std::size_t kTasksPerTurn = 512;

base::MonotonicTime Now() { return base::SystemClock().Now(); }

void AbortOnOpenHandle(uv_handle_t* handle, void* /*unused*/) {
  if (uv_is_closing(handle) != 0) return;
  std::fprintf(stderr, "event loop closed with an open %s\n",
               uv_handle_type_name(uv_handle_get_type(handle)));
  TM_CHECK(uv_is_closing(handle) != 0);
}

}  // namespace

struct EventLoop::Handles {
  struct Wake {
    EventLoop* loop;
  };

  uv_loop_t loop{};
  std::optional<UvHandle<uv_async_t, Wake>> wake;
  std::optional<Timer> heartbeat;
};

struct EventLoop::WorkRequest {
  uv_work_t request{};
  EventLoop* loop;
  Task work;
  Task done;
};

EventLoop::EventLoop(EventLoopOptions options)
    : owner_(std::this_thread::get_id()),
      handles_(std::make_unique<Handles>()),
      heartbeat_(std::make_shared<LoopHeartbeat>(options.heartbeat_interval, Now())) {
  TM_CHECK(uv_loop_init(&handles_->loop) == 0);
  handles_->wake.emplace(Handles::Wake{.loop = this});
  uv_async_t* const wake = handles_->wake->get();
  TM_CHECK(uv_async_init(uv(), wake, [](uv_async_t* handle) {
             UvHandle<uv_async_t, Handles::Wake>::StateOf(handle).loop->RunQueued();
           }) == 0);
  handles_->wake->MarkOpen();
  queue_ = std::make_shared<TaskQueue>(options.queue, [wake] { uv_async_send(wake); });
  handles_->heartbeat.emplace(*this, [this] { heartbeat_->Beat(Now()); });
  handles_->heartbeat->StartPeriodic(options.heartbeat_interval);
}

EventLoop::~EventLoop() {
  if (!closing_) {
    AdoptThread();
    Close(std::nullopt);
  }
}

uv_loop_t* EventLoop::uv() const { return &handles_->loop; }

void EventLoop::AdoptThread() {
  TM_CHECK(!running_.load());
  owner_.store(std::this_thread::get_id());
}

void EventLoop::Run() {
  AdoptThread();
  running_.store(true);
  uv_run(uv(), UV_RUN_DEFAULT);
  running_.store(false);
}

void EventLoop::Stop() {
  // Through the queue, so that everything accepted before is run before.
  PostControl([this] { uv_stop(uv()); });
}

bool EventLoop::TryPost(Task&& task, std::size_t bytes) {
  return queue_->TryPost(std::move(task), bytes);
}

bool EventLoop::PostControl(Task task) { return queue_->PostControl(std::move(task)); }

void EventLoop::RunQueued() {
  if (queue_->RunSome(kTasksPerTurn)) uv_async_send(handles_->wake->get());
}

void EventLoop::QueueTasks(Task work, Task done) {
  AssertOnLoop();
  auto request = std::make_unique<WorkRequest>();
  request->loop = this;
  request->work = std::move(work);
  request->done = std::move(done);
  request->request.data = request.get();
  ++work_in_flight_;
  const int result = uv_queue_work(
      uv(), &request->request,
      [](uv_work_t* raw) {
        auto* const running = static_cast<WorkRequest*>(raw->data);
        running->work();
        running->work = nullptr;
      },
      [](uv_work_t* raw, int /*status: never cancelled*/) {
        const std::unique_ptr<WorkRequest> finished(static_cast<WorkRequest*>(raw->data));
        --finished->loop->work_in_flight_;
        if (!finished->loop->closing_) finished->done();
      });
  TM_CHECK(result == 0);
  static_cast<void>(request.release());  // the loop owns it until it is done
}

bool EventLoop::CloseWithin(base::Duration grace) {
  AssertOnLoop();
  TM_CHECK(!running_.load() && !closing_);
  return Close(grace);
}

bool EventLoop::Close(std::optional<base::Duration> grace) {
  closing_ = true;
  queue_->Close();
  handles_->heartbeat.reset();
  handles_->wake.reset();
  uv_walk(uv(), AbortOnOpenHandle, nullptr);

  // An unreferenced timer ends the wait below without keeping the loop alive. Only it says when the
  // grace is over: libuv's clock is coarser than ours, so it may fire a little before.
  bool expired = false;
  uv_timer_t alarm;
  if (grace.has_value()) {
    alarm.data = &expired;
    uv_update_time(uv());
    TM_CHECK(uv_timer_init(uv(), &alarm) == 0);
    uv_unref(reinterpret_cast<uv_handle_t*>(&alarm));
    uv_timer_start(
        &alarm, [](uv_timer_t* timer) { *static_cast<bool*>(timer->data) = true; },
        static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(*grace).count() + 1),
        0);
  }
  while (!expired && uv_loop_alive(uv()) != 0) uv_run(uv(), UV_RUN_ONCE);
  if (grace.has_value()) {
    uv_close(reinterpret_cast<uv_handle_t*>(&alarm), nullptr);
    uv_run(uv(), UV_RUN_NOWAIT);
  }
  if (uv_loop_close(uv()) == 0) return true;

  // The pool still writes into the loop's memory: reachable, but never freed.
  static auto* const abandoned = new std::vector<std::unique_ptr<Handles>>;
  static auto* const mutex = new base::Mutex;
  base::MutexLock lock(*mutex);
  abandoned->push_back(std::move(handles_));
  return false;
}

}  // namespace tidemark::daemon
