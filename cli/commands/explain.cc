#include "cli/commands/explain.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "cli/commands/explanation_text.h"
#include "cli/commands/partition_advice.h"
#include "cli/commands/volume_lookup.h"
#include "cli/partition_lookup.h"
#include "cli/words.h"

namespace tidemark::cli {
namespace {

using sc::v1::Partition;
using Steps = std::vector<std::string>;

struct Told {
  std::string text;
  Steps steps;
  space::v1::Explanation explanation;  // for machines
};

absl::StatusOr<space::v1::Explanation> AskSpu(const Invocation& invocation,
                                              const VolumeView& view) {
  const auto spu = invocation.Spu(view.endpoint);
  const std::string& uuid = view.volume.uuid();
  auto explanation = spu.Explain(uuid.empty() ? view.volume.path() : uuid);
  if (!absl::IsNotFound(explanation.status()) || uuid.empty()) return explanation;
  // Of a volume that could not be opened, its SPU knows the path only. Another may have taken its
  // place: that one's state is no answer.
  auto at_its_path = spu.Explain(view.volume.path());
  const bool other = at_its_path.ok() && !at_its_path->volume().uuid().empty() &&
                     at_its_path->volume().uuid() != uuid;
  return other ? explanation : at_its_path;
}

bool IsOwnTrouble(const Partition& partition, bool volume_accepts) {
  if (partition.status() == sc::v1::PARTITION_STATUS_ONLINE) return false;
  return volume_accepts || partition.lost_data() || !partition.assignment_refusal().empty();
}

// Those the SC knows on this volume; none where it cannot be asked.
std::vector<Partition> PartitionsWithTrouble(const Invocation& invocation, const VolumeView& view,
                                             bool volume_accepts) {
  std::vector<Partition> found;
  if (!invocation.spu.empty()) return found;
  const auto listed = invocation.Controller().ListPartitions("");
  if (!listed.ok()) return found;
  for (const Partition& partition : listed->partitions()) {
    if (partition.volume() == view.volume.uuid() && IsOwnTrouble(partition, volume_accepts)) {
      found.push_back(partition);
    }
  }
  return found;
}

// Of a volume that its SPU does not have.
std::string PutBackStep(const Invocation& invocation, const VolumeView& view) {
  const std::string& path = view.volume.path();
  const auto there = invocation.Spu(view.endpoint).Explain(path);
  const bool other = there.ok() && !there->volume().uuid().empty();
  if (!other) {
    return absl::StrFormat("is it configured there? restart SPU %s with %s as a [[volume]]",
                           view.spu_id, path);
  }
  return absl::StrFormat(
      "another volume (%s) is at %s now: put the disk of this one back and restart SPU %s. If it "
      "is gone for good, so are the records of its %d partitions (tidemark partition list); a "
      "topic is deleted as a whole",
      there->volume().uuid(), path, view.spu_id, view.volume.partitions());
}

Told FromLastReport(const Invocation& invocation, const VolumeView& view, const absl::Status& why) {
  Told told;
  const bool answered = absl::IsNotFound(why);
  const std::string why_not =
      (answered ? "The SPU does not have it: " : "The SPU cannot be asked: ") +
      std::string(why.message());
  told.text = LastReportText(view, why_not);
  told.steps.push_back(answered
                           ? PutBackStep(invocation, view)
                           : absl::StrFormat("bring SPU %s back, then: tidemark volume explain %s",
                                             view.spu_id, view.volume.path()));
  *told.explanation.mutable_volume() = view.volume;
  told.explanation.set_summary(view.reported
                                   ? absl::StrFormat("last known, from a report %d ms old: %s",
                                                     view.report_age_ms, why.message())
                                   : absl::StrFormat("no report yet: %s", why.message()));
  return told;
}

absl::StatusOr<Told> TellVolume(const Invocation& invocation, const VolumeView& view) {
  auto explanation = AskSpu(invocation, view);
  if (!explanation.ok()) {
    const absl::Status& why = explanation.status();
    if (!absl::IsUnavailable(why) && !absl::IsDeadlineExceeded(why) && !absl::IsNotFound(why)) {
      return why;
    }
    return FromLastReport(invocation, view, why);
  }
  Told told;
  told.text = ExplanationText(*explanation, view.spu_id);
  // It answers us, and yet the SC may have lost it.
  if (!view.reachable) {
    told.text += absl::StrFormat("\nReachable for the SC: %s (tidemark spu describe %s)\n",
                                 view.reach, view.spu_id);
  }
  const bool unopened = explanation->volume().uuid().empty() && !view.volume.uuid().empty();
  told.text +=
      PartitionsText(PartitionsWithTrouble(invocation, view, explanation->volume().accepting()),
                     *explanation, view);
  if (unopened && view.report_age_ms >= 0) {
    absl::StrAppend(&told.text, "\n", LastReportText(view, "Its SPU could not open it since."));
  }
  told.steps = {explanation->next_steps().begin(), explanation->next_steps().end()};
  told.explanation = *std::move(explanation);
  return told;
}

std::string PartitionText(const Partition& partition, bool from_controller) {
  const std::string name = PartitionName(partition.topic(), partition.index());
  if (!from_controller) {
    return absl::StrFormat(
        "%s on the SPU at %s%s\n\n", name, partition.endpoint(),
        partition.reason().empty() ? "" : absl::StrCat(": ", partition.reason()));
  }
  std::string text =
      absl::StrFormat("%s is %s since %s%s\n", name, StatusWord(partition.status()),
                      TimeText(partition.since_unix_ms()),
                      partition.reason().empty() ? "" : absl::StrCat(": ", partition.reason()));
  text += absl::StrFormat("  reachable  %s\n", ReachableText(partition.reachable(),
                                                             partition.reachable_since_unix_ms()));
  text += absl::StrFormat("  leader     %s at %s\n", partition.leader(), partition.endpoint());
  text += absl::StrFormat("  assignment version %d, %s\n\n", partition.spec_version(),
                          AssignmentText(partition));
  return text;
}

// What is to be done about the partition itself, before its volume.
Steps OwnSteps(const Partition& partition, const std::string& volume) {
  if (partition.status() == sc::v1::PARTITION_STATUS_LEADER_OFFLINE) {
    return {absl::StrFormat("bring SPU %s back: tidemark spu describe %s", partition.leader(),
                            partition.leader())};
  }
  const std::string advice = AdviceFor(partition, volume);
  // That is what is shown here already.
  if (advice.empty() || advice.starts_with("tidemark volume explain")) return {};
  return {advice};
}

std::optional<VolumeView> VolumeOf(const Invocation& invocation, const Partition& partition) {
  auto view = FindVolume(invocation, partition.volume());
  if (!view.ok()) return std::nullopt;
  return *std::move(view);
}

// Path and SPU:PATH have more than a topic may.
bool IsPartitionName(const std::string& name) {
  const auto parsed = ParsePartitionName(name);
  return parsed.ok() && parsed->topic.find_first_of("/:") == std::string::npos;
}

absl::Status PrintJson(Output& output, const Partition& partition, const Told& told) {
  output.out() << "{\"partition\": ";
  TM_RETURN_IF_ERROR(output.PrintJson(partition));
  output.out() << ", \"volume\": ";
  TM_RETURN_IF_ERROR(output.PrintJson(told.explanation));
  output.out() << "}\n";
  return absl::OkStatus();
}

}  // namespace

std::string AssignmentText(const Partition& partition) {
  if (partition.assignment_acked()) {
    return partition.reachable() ? "acknowledged" : "acknowledged once, not confirmed since";
  }
  const auto reason = partition.assignment_refusal_reason();
  if (reason == sc::v1::ASSIGNMENT_REFUSAL_UNSPECIFIED && partition.assignment_refusal().empty()) {
    return "not acknowledged yet";
  }
  return absl::StrFormat("refused (%s): %s", AssignmentRefusalWord(reason),
                         partition.assignment_refusal());
}

absl::Status ExplainVolume(Invocation& invocation, const std::string& name) {
  if (IsPartitionName(name)) return ExplainPartition(invocation, name);
  TM_ASSIGN_OR_RETURN(const VolumeView view, FindVolume(invocation, name));
  TM_ASSIGN_OR_RETURN(const Told told, TellVolume(invocation, view));
  if (invocation.output.json()) return invocation.output.PrintJson(told.explanation);
  invocation.output.out() << told.text << StepsText(told.steps);
  return absl::OkStatus();
}

absl::Status ExplainPartition(Invocation& invocation, const std::string& name) {
  TM_ASSIGN_OR_RETURN(const TopicPartition wanted, ParsePartitionName(name));
  TM_ASSIGN_OR_RETURN(const auto found, FindPartitions(invocation, wanted.topic, wanted.index));
  const Partition& partition = found.front();
  const auto view = VolumeOf(invocation, partition);
  Told told;
  if (view.has_value()) {
    TM_ASSIGN_OR_RETURN(told, TellVolume(invocation, *view));
  } else {
    told.text = absl::StrFormat("No SPU has told of its volume %s.\n", partition.volume());
  }
  if (invocation.output.json()) return PrintJson(invocation.output, partition, told);
  const std::string volume =
      view.has_value() ? view->spu_id + ":" + view->volume.path() : partition.volume();
  const bool from_controller = invocation.spu.empty();
  Steps steps = from_controller ? OwnSteps(partition, volume) : Steps();
  steps.insert(steps.end(), told.steps.begin(), told.steps.end());
  if (steps.empty()) steps.push_back("nothing to do");
  invocation.output.out() << PartitionText(partition, from_controller) << told.text
                          << StepsText(steps);
  return absl::OkStatus();
}

}  // namespace tidemark::cli
