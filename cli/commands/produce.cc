#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <system_error>
#include <thread>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/byte_size.h"
#include "base/crc32c.h"
#include "base/status_macros.h"
#include "cli/client/rpc_status.h"
#include "cli/commands/commands.h"
#include "cli/commands/pace.h"
#include "cli/commands/produce_tally.h"
#include "cli/commands/progress_line.h"
#include "cli/commands/record_source.h"
#include "cli/json_object.h"
#include "cli/partition_lookup.h"
#include "cli/words.h"

namespace tidemark::cli {
namespace {

using sc::v1::Partition;

struct ProduceOptions {
  std::string topic;
  std::optional<std::int64_t> partition;
  std::string file = "-";
  std::string key_separator;
  std::string acks = "durable";
  std::optional<std::int64_t> rate;
  bool progress = false;
  bool wait = false;
  std::optional<std::int64_t> count;
  ByteSize size{1024};
};

// One run: a producer for every SPU that leads a partition, records spread over the partitions.
class Production {
 public:
  Production(Invocation& invocation, const ProduceOptions& options)
      : invocation_(invocation), options_(options) {}

  absl::Status Open();
  // Before one is made up of gigabytes.
  absl::Status CheckSize(std::int64_t record_bytes) const;
  absl::Status Send(RecordSource& source);
  absl::Status Report();

 private:
  absl::Status LearnBatchLimit();
  absl::StatusOr<client::Producer*> ProducerOf(const std::string& endpoint);
  const Partition& Choose(const SourceRecord& record);
  absl::Status Drain();
  void Notice(const log::v1::PartitionNotice& notice);
  std::string NameOf(std::uint64_t partition_id) const;
  void PrintSummary(const ProduceTotals& totals);
  void PrintJsonSummary(const ProduceTotals& totals);

  Invocation& invocation_;
  const ProduceOptions& options_;
  const base::SystemClock clock_;
  const base::MonotonicTime begun_ = clock_.Now();
  ProduceTally tally_;
  std::optional<ProgressLine> progress_;
  std::vector<Partition> partitions_;
  std::int64_t topic_batch_bytes_max_ = 0;  // 0: as its SPU
  std::size_t next_partition_ = 0;
  base::Mutex err_mutex_;  // notices come from the producer's thread
  // Last: their threads use what stands above.
  std::map<std::string, std::unique_ptr<client::Producer>> producers_;
};

// A topic may take smaller batches than its SPU, which is all that a stream is told.
absl::Status Production::LearnBatchLimit() {
  if (!invocation_.spu.empty()) return absl::OkStatus();  // no controller to ask
  TM_ASSIGN_OR_RETURN(const auto topics, invocation_.Controller().ListTopics());
  for (const sc::v1::Topic& topic : topics.topics()) {
    if (topic.name() == options_.topic) topic_batch_bytes_max_ = topic.policy().batch_bytes_max();
  }
  return absl::OkStatus();
}

absl::Status Production::Open() {
  TM_ASSIGN_OR_RETURN(partitions_, FindPartitions(invocation_, options_.topic, options_.partition));
  TM_RETURN_IF_ERROR(LearnBatchLimit());
  for (const Partition& partition : partitions_) {
    if (partition.endpoint().empty()) {
      return absl::UnavailableError(absl::StrFormat(
          "no SPU serves %s: %s", PartitionName(partition.topic(), partition.index()),
          partition.reason().empty() ? "it has no leader yet" : partition.reason()));
    }
    TM_RETURN_IF_ERROR(ProducerOf(partition.endpoint()).status());
  }
  if (options_.progress) {
    progress_.emplace(invocation_.output.err(), isatty(STDERR_FILENO) != 0,
                      options_.count.value_or(0), clock_);
  }
  return absl::OkStatus();
}

absl::StatusOr<client::Producer*> Production::ProducerOf(const std::string& endpoint) {
  auto& producer = producers_[endpoint];
  if (producer == nullptr) {
    client::ProducerOptions options;
    options.acks = options_.acks == "written" ? log::v1::ACKS_WRITTEN : log::v1::ACKS_DURABLE;
    options.wait_when_refused = options_.wait;
    if (topic_batch_bytes_max_ > 0) {
      options.batch_bytes = std::min(options.batch_bytes, topic_batch_bytes_max_);
    }
    options.connect_deadline = invocation_.timeout.duration;
    client::ProducerCallbacks callbacks;
    callbacks.on_outcome = [this](const client::Outcome& outcome) { tally_.Take(outcome); };
    callbacks.on_notice = [this](const log::v1::PartitionNotice& notice) { Notice(notice); };
    TM_ASSIGN_OR_RETURN(producer,
                        client::Producer::Connect(endpoint, options, std::move(callbacks)));
  }
  return producer.get();
}

const Partition& Production::Choose(const SourceRecord& record) {
  if (record.key) {
    // The same key always goes to the same partition, so its records keep their order.
    const auto bytes = std::as_bytes(std::span<const char>(*record.key));
    return partitions_[base::Crc32c(bytes) % partitions_.size()];
  }
  const Partition& partition = partitions_[next_partition_];
  next_partition_ = (next_partition_ + 1) % partitions_.size();
  return partition;
}

absl::Status Production::CheckSize(std::int64_t record_bytes) const {
  for (const auto& [endpoint, producer] : producers_) {
    TM_RETURN_IF_ERROR(producer->CheckSize(record_bytes));
  }
  return absl::OkStatus();
}

absl::Status Production::Send(RecordSource& source) {
  std::uint64_t tag = 0;
  std::optional<Pace> pace;
  if (options_.rate) pace.emplace(*options_.rate, clock_.Now());
  while (!tally_.failed()) {
    const auto record = source.Next();
    if (!record) break;
    const Partition& partition = Choose(*record);
    TM_ASSIGN_OR_RETURN(client::Producer * producer, ProducerOf(partition.endpoint()));
    client::OutgoingRecord outgoing;
    if (record->key) outgoing.key = *record->key;
    outgoing.value = record->value;
    outgoing.timestamp = clock_.WallNow();
    const absl::Status appended = producer->Append(partition.id(), outgoing, tag);
    if (!appended.ok()) {
      if (tally_.failed()) break;  // the outcomes say more
      return appended;
    }
    ++tag;
    if (pace) std::this_thread::sleep_for(pace->UntilNext(clock_.Now()));
    if (progress_ && tag % 256 == 0) {
      const ProduceTotals totals = tally_.totals();
      progress_->Show(totals.acknowledged, totals.acknowledged_bytes);
    }
  }
  return Drain();
}

absl::Status Production::Drain() {
  for (const auto& [endpoint, producer] : producers_) {
    // A healthy server answers or says why not; only --wait has reason to wait without an end.
    while (true) {
      const absl::Status flushed = producer->Flush(invocation_.timeout.duration);
      if (flushed.ok()) break;
      if (!absl::IsDeadlineExceeded(flushed)) return tally_.failed() ? absl::OkStatus() : flushed;
      if (!options_.wait) {
        return absl::DeadlineExceededError(
            absl::StrFormat("SPU at %s: %s", endpoint, flushed.message()));
      }
    }
  }
  return absl::OkStatus();
}

void Production::Notice(const log::v1::PartitionNotice& notice) {
  if (!options_.wait) return;  // the refusal ends the run and is printed then
  base::MutexLock lock(err_mutex_);
  invocation_.output.Note(notice.blocked()
                              ? absl::StrFormat("%s is blocked, waiting: %s",
                                                NameOf(notice.partition_id()),
                                                client::DescribeRefusal(notice.why()))
                              : absl::StrFormat("%s goes on", NameOf(notice.partition_id())));
}

std::string Production::NameOf(std::uint64_t partition_id) const {
  for (const Partition& partition : partitions_) {
    if (partition.id() == partition_id) {
      return PartitionName(partition.topic(), partition.index());
    }
  }
  return absl::StrFormat("partition id %d", partition_id);
}

void Production::PrintSummary(const ProduceTotals& totals) {
  const auto seconds = std::chrono::duration<double>(clock_.Now() - begun_).count();
  Output& output = invocation_.output;
  output.Note(absl::StrFormat("%d records (%s) acknowledged %s in %.2f s", totals.acknowledged,
                              base::FormatByteSize(totals.acknowledged_bytes), options_.acks,
                              seconds));
  for (const auto& [id, range] : totals.partitions) {
    output.Note(absl::StrFormat("  %s  offsets %d to %d", NameOf(id), range.first, range.last));
  }
  if (totals.refused > 0) output.Note(absl::StrFormat("%d records refused", totals.refused));
  if (totals.unknown > 0) {
    output.Note(absl::StrFormat("%d records unanswered: they may be in the log", totals.unknown));
  }
  if (totals.first_missing) {
    output.Note(absl::StrFormat("first record not acknowledged: number %d of the input",
                                *totals.first_missing + 1));
  }
}

void Production::PrintJsonSummary(const ProduceTotals& totals) {
  std::vector<std::string> partitions;
  for (const auto& [id, range] : totals.partitions) {
    JsonObject object;
    object.Add("partition", NameOf(id)).Add("records", range.records);
    object.Add("first_offset", range.first).Add("last_offset", range.last);
    partitions.push_back(object.ToString());
  }
  JsonObject summary;
  summary.Add("topic", options_.topic).Add("acks", options_.acks);
  summary.Add("acknowledged", totals.acknowledged);
  summary.Add("acknowledged_bytes", totals.acknowledged_bytes);
  summary.Add("refused", totals.refused).Add("unknown", totals.unknown);
  summary.Add("seconds", std::chrono::duration<double>(clock_.Now() - begun_).count());
  summary.AddJson("partitions", absl::StrFormat("[%s]", absl::StrJoin(partitions, ",")));
  if (const auto refusal = client::RefusalOf(totals.failure)) {
    JsonObject why;
    why.Add("reason", log::v1::RefusalReason_Name(refusal->reason()));
    why.Add("message", refusal->message()).Add("volume", refusal->volume());
    why.Add("available_bytes", refusal->available_bytes());
    why.Add("full_bytes", refusal->full_bytes()).Add("resume_bytes", refusal->resume_bytes());
    why.Add("retry_delay_ms", refusal->retry_delay_ms());
    summary.AddJson("refusal", why.ToString());
  }
  invocation_.output.Print(summary.ToString());
}

absl::Status Production::Report() {
  const ProduceTotals totals = tally_.totals();
  if (progress_) progress_->End(totals.acknowledged, totals.acknowledged_bytes);
  base::MutexLock lock(err_mutex_);
  if (invocation_.output.json()) {
    PrintJsonSummary(totals);
  } else {
    PrintSummary(totals);
  }
  if (totals.failure.ok()) return absl::OkStatus();
  std::string message(totals.failure.message());
  if (const auto refusal = client::RefusalOf(totals.failure);
      refusal && refusal->reason() == log::v1::REFUSAL_REASON_OUT_OF_SPACE) {
    absl::StrAppendFormat(&message, "\n  volume %s: ", refusal->volume_path());
    if (refusal->available_bytes() < refusal->resume_bytes()) {
      absl::StrAppendFormat(&message, "%s available, full below %s, goes on from %s; ",
                            ExactBytes(refusal->available_bytes()),
                            ExactBytes(refusal->full_bytes()), ExactBytes(refusal->resume_bytes()));
    }  // else it is not bytes that it lacks: the message says what
    absl::StrAppendFormat(&message, "what to do: tidemark volume explain %s",
                          refusal->volume_path());
  }
  return absl::Status(totals.failure.code(), message);
}

absl::Status Produce(Invocation& invocation, const ProduceOptions& options) {
  std::ifstream file;
  if (options.file != "-") {
    // Opening one works; it is reading it that fails.
    std::error_code ignored;
    if (std::filesystem::is_directory(options.file, ignored)) {
      return absl::InvalidArgumentError(
          absl::StrFormat("--file '%s' is a directory, a file is wanted", options.file));
    }
    file.open(options.file, std::ios::binary);
    if (!file) return absl::NotFoundError(absl::StrFormat("cannot open '%s'", options.file));
  }
  std::istream& in = options.file == "-" ? invocation.in : file;
  std::unique_ptr<RecordSource> source;
  if (options.count) {
    if (options.size.bytes < 17) {
      return absl::InvalidArgumentError("--size must be at least 17 bytes: a record's number");
    }
    source = std::make_unique<GeneratedSource>(*options.count, options.size.bytes);
  } else {
    // A shell passes '\\t' as two characters; nobody means those.
    source = std::make_unique<LineSource>(
        in, options.key_separator == "\\t" ? "\t" : options.key_separator);
  }
  Production production(invocation, options);
  TM_RETURN_IF_ERROR(production.Open());
  if (options.count) TM_RETURN_IF_ERROR(production.CheckSize(options.size.bytes));
  const absl::Status sent = production.Send(*source);
  const absl::Status reported = production.Report();
  if (!reported.ok()) return reported;
  // Not the end of the input: the rest of it is missing.
  if (sent.ok() && in.bad()) {
    return absl::DataLossError(absl::StrFormat(
        "reading %s failed after the records above",
        options.file == "-" ? "standard input" : absl::StrFormat("'%s'", options.file)));
  }
  return sent;
}

}  // namespace

void AddProduceCommand(Command& root, Invocation& invocation) {
  const auto options = std::make_shared<ProduceOptions>();
  root.Sub("produce", "Append records, one per line of stdin")
      .Example("echo hello | tidemark produce orders", "")
      .Example("tidemark produce orders --file orders.tsv --key-separator '\\t' --progress",
               "what stands before the separator is the key; a key stays in its partition")
      .Example("tidemark produce orders --count 100000 --size 1KiB", "made-up records")
      .Example("tail -F app.log | tidemark produce logs --wait",
               "when the volume is full, wait until it goes on instead of leaving with status 10")
      .Positional("TOPIC", options->topic, "")
      .Option("--partition", options->partition, kIndexLimits, "N",
              "only to this one (spread over all)")
      .Option("--file", options->file, "FILE", "instead of stdin")
      .Option("--key-separator", options->key_separator, "TEXT", "between key and value")
      .Choice("--acks", options->acks, {"durable", "written"},
              "durable: synced; written: survives only a crash of the process (durable)")
      .Option("--rate", options->rate, {.least = 1}, "N", "at most so many records a second")
      .Flag("--progress", options->progress, "show how far it is, on stderr")
      .Flag("--wait", options->wait, "wait while a volume is full or held")
      .Option("--count", options->count, Limits{}, "N", "make up N records instead of reading any")
      .Option("--size", options->size, "of each made-up record (1KiB)")
      .Runs([&invocation, options] { return Finish(invocation, Produce(invocation, *options)); });
}

}  // namespace tidemark::cli
