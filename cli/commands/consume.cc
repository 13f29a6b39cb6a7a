#include <chrono>
#include <memory>
#include <ostream>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "cli/client/consumer.h"
#include "cli/commands/commands.h"
#include "cli/json_object.h"
#include "cli/partition_lookup.h"
#include "cli/record_format.h"
#include "cli/start_at_text.h"
#include "cli/words.h"

namespace tidemark::cli {
namespace {

using sc::v1::Partition;

struct ConsumeOptions {
  std::string topic;
  std::optional<std::int64_t> partition;
  std::string from = "earliest";
  bool until_end = false;
  bool follow = false;
  std::string format = "%v\\n";
  std::optional<std::int64_t> count;
  std::string isolation = "durable";
};

// Counts what came, so that a loop over several consumers sleeps until one of them has something.
class Bell {
 public:
  void Ring() {
    base::MutexLock lock(mutex_);
    ++rings_;
    rung_.NotifyAll();
  }
  // Returns the count once it differs from `seen`.
  std::uint64_t WaitBeyond(std::uint64_t seen) {
    base::MutexLock lock(mutex_);
    while (rings_ == seen) rung_.Wait(mutex_);
    return rings_;
  }
  std::uint64_t rings() {
    base::MutexLock lock(mutex_);
    return rings_;
  }

 private:
  base::Mutex mutex_;
  base::CondVar rung_;
  std::uint64_t rings_ TM_GUARDED_BY(mutex_) = 0;
};

// All partitions of a topic at once, printed as they come; each in its own order.
class Consumption {
 public:
  Consumption(Invocation& invocation, const ConsumeOptions& options, RecordFormat format)
      : invocation_(invocation), options_(options), format_(std::move(format)) {}

  absl::Status Open();
  absl::Status Run();

 private:
  struct Source {
    Partition partition;
    std::unique_ptr<client::Consumer> consumer;
  };

  // Takes what is there from one source. False when that source has ended.
  absl::StatusOr<bool> Take(Source& source, bool& took);
  void Print(const Partition& partition, const client::IncomingRecord& record);
  bool Enough() const { return options_.count && printed_ >= *options_.count; }

  Invocation& invocation_;
  const ConsumeOptions& options_;
  const RecordFormat format_;
  std::int64_t printed_ = 0;
  Bell bell_;
  std::vector<Source> sources_;  // last: their threads ring the bell
};

absl::Status Consumption::Open() {
  TM_ASSIGN_OR_RETURN(const client::StartAt from,
                      ParseStartAt(options_.from, base::SystemClock().WallNow()));
  TM_ASSIGN_OR_RETURN(const auto partitions,
                      FindPartitions(invocation_, options_.topic, options_.partition));
  for (const Partition& partition : partitions) {
    if (partition.endpoint().empty()) {
      return absl::UnavailableError(
          absl::StrFormat("no SPU serves %s", PartitionName(partition.topic(), partition.index())));
    }
    client::ConsumerOptions options;
    options.partition_id = partition.id();
    options.from = from;
    options.until_end = !options_.follow;
    options.isolation =
        options_.isolation == "written" ? log::v1::ISOLATION_WRITTEN : log::v1::ISOLATION_DURABLE;
    options.connect_deadline = invocation_.timeout.duration;
    options.on_ready = [this] { bell_.Ring(); };
    auto consumer = client::Consumer::Open(partition.endpoint(), options);
    if (!consumer.ok()) {
      return base::Annotate(consumer.status(), PartitionName(partition.topic(), partition.index()));
    }
    sources_.push_back({partition, *std::move(consumer)});
  }
  return absl::OkStatus();
}

void Consumption::Print(const Partition& partition, const client::IncomingRecord& record) {
  ++printed_;
  if (!invocation_.output.json()) {
    invocation_.output.out() << format_.Apply(partition.topic(), partition.index(), record);
    return;
  }
  JsonObject object;
  object.Add("topic", partition.topic());
  object.Add("partition", static_cast<std::int64_t>(partition.index()));
  object.Add("offset", record.offset).Add("timestamp", record.timestamp);
  if (record.key) object.AddBytes("key", *record.key);
  object.AddBytes("value", record.value);
  invocation_.output.Print(object.ToString());
}

absl::StatusOr<bool> Consumption::Take(Source& source, bool& took) {
  auto event = source.consumer->Next(base::Duration::zero());
  if (absl::IsDeadlineExceeded(event.status())) return true;
  if (!event.ok()) {
    return base::Annotate(event.status(),
                          PartitionName(source.partition.topic(), source.partition.index()));
  }
  took = true;
  if (event->kind == client::ConsumerEvent::Kind::kEnd) {
    if (!options_.follow) return false;
    return absl::UnavailableError(absl::StrFormat("SPU at %s ended the stream at offset %d",
                                                  source.partition.endpoint(), event->next_offset));
  }
  for (const client::IncomingRecord& record : event->records) {
    if (Enough()) break;
    Print(source.partition, record);
  }
  return true;
}

absl::Status Consumption::Run() {
  while (!sources_.empty() && !Enough()) {
    const std::uint64_t seen = bell_.rings();
    bool took = false;
    for (auto source = sources_.begin(); source != sources_.end() && !Enough();) {
      TM_ASSIGN_OR_RETURN(const bool goes_on, Take(*source, took));
      source = goes_on ? source + 1 : sources_.erase(source);
    }
    if (!invocation_.output.out().good()) return absl::OkStatus();  // the reader of our pipe left
    if (took) continue;
    invocation_.output.Flush();
    bell_.WaitBeyond(seen);
  }
  return absl::OkStatus();
}

absl::Status Consume(Invocation& invocation, const ConsumeOptions& options) {
  TM_ASSIGN_OR_RETURN(RecordFormat format, RecordFormat::Create(options.format));
  Consumption consumption(invocation, options, std::move(format));
  TM_RETURN_IF_ERROR(consumption.Open());
  return consumption.Run();
}

}  // namespace

void AddConsumeCommand(Command& root, Invocation& invocation) {
  const auto options = std::make_shared<ConsumeOptions>();
  root.Sub("consume", "Read records; every batch's checksum is verified")
      .Example("tidemark consume orders", "all that is there, then end")
      .Example("tidemark consume orders --from latest --follow", "what comes from now on")
      .Example("tidemark consume orders --partition 3 --from 12000 --count 10", "")
      .Example("tidemark consume orders --from 15m --format '%t %p %o %k %v\\n'",
               "of the last 15 minutes; %t time %p partition %o offset %k key %v value %T topic")
      .Positional("TOPIC", options->topic, "")
      .Option("--partition", options->partition, kIndexLimits, "N", "only this one (all)")
      .Option("--from", options->from, "WHERE",
              "earliest, latest, an offset, a time (2026-11-23T04:00:00Z), how long ago (15m)")
      .Flag("--follow", options->follow, "wait for more at the end")
      .Flag("--until-end", options->until_end, "leave at the end (the default)")
      .Excludes("--follow")
      .Option("--format", options->format, "TEXT", "how to print a record ('%v\\n')")
      .Option("--count", options->count, Limits{}, "N", "at most so many records")
      .Choice("--isolation", options->isolation, {"durable", "written"},
              "written: also what a power cut could still take (durable)")
      .Runs([&invocation, options] { return Finish(invocation, Consume(invocation, *options)); });
}

}  // namespace tidemark::cli
