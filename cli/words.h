// How the cluster's facts read: one way to say each, in tables and sentences.
//
// Pure. A value this program does not know is shown as unknown, never left out.
#pragma once

#include <cstdint>
#include <string>

#include "cli/table.h"
#include "tidemark/sc/v1/admin.pb.h"
#include "tidemark/space/v1/volume_service.pb.h"

namespace tidemark::cli {

std::string StatusWord(sc::v1::PartitionStatus status);
Color StatusColor(sc::v1::PartitionStatus status);
// "yes", or "no since 2026-11-23T03:44:44Z".
std::string ReachableText(bool reachable, std::int64_t since_unix_ms);
// "2026-11-23T03:44:44Z"; "-" for 0.
std::string TimeText(std::int64_t unix_ms);
// "orders/3".
std::string PartitionName(const std::string& topic, std::int32_t index);
// "12345678 bytes (11.8 MiB)".
std::string ExactBytes(std::int64_t bytes);
// "11.8 MiB"; "-" for a negative number.
std::string SizeText(std::int64_t bytes);
// At most `width` characters, cut with an ellipsis.
std::string Shortened(const std::string& text, std::size_t width);

std::string CauseWord(space::v1::SpaceCause cause);
std::string DeviceCauseWord(space::v1::DeviceCause cause);
// "no room".
std::string AssignmentRefusalWord(sc::v1::AssignmentRefusal refusal);
// "Ready", or what holds the volume: "OutOfSpace (episode 3, bytes), operator (ann: disk swap)".
std::string HoldsText(const space::v1::Holds& holds,
                      const google::protobuf::RepeatedPtrField<space::v1::DeviceHold>& faults);
// The same of a volume as it is shown: "Ready" only if it accepts; else "Not ready (opening …)".
std::string VerdictText(const space::v1::Volume& volume);
bool IsHeld(const space::v1::Holds& holds,
            const google::protobuf::RepeatedPtrField<space::v1::DeviceHold>& faults);
// "2 of 6 (fresh readings above the resume mark)".
std::string ProofStepText(space::v1::ProofStep step);
// One paragraph with the numbers of a proof.
std::string ProofText(const space::v1::Proof& proof);

}  // namespace tidemark::cli
