#include "spu/identity_store.h"

#include <array>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/fixed_int.h"
#include "base/status_macros.h"

namespace tidemark::spu {
namespace {

constexpr storage::SlotKind kKind = storage::MakeSlotKind("SPID");
constexpr char kSlotsName[] = "identity.slots";
constexpr char kLockName[] = "lock";

// 0 spu uuid | 16 boot count | 24 cluster id | 40 store epoch | 48 flags (absent: none)
constexpr std::size_t kBootCountAt = 16;
constexpr std::size_t kClusterAt = 24;
constexpr std::size_t kEpochAt = 40;
constexpr std::size_t kFlagsAt = 48;
constexpr std::size_t kRecordBytes = 49;
constexpr std::byte kFenced{1};

void StoreUuid(const base::Uuid& uuid, std::byte* out) {
  for (std::size_t i = 0; i < uuid.bytes().size(); ++i) out[i] = std::byte{uuid.bytes()[i]};
}

base::Uuid LoadUuid(const std::byte* in) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = std::to_integer<std::uint8_t>(in[i]);
  return base::Uuid(bytes);
}

std::vector<std::byte> Encode(const IdentityRecord& record) {
  std::vector<std::byte> bytes(kRecordBytes);
  StoreUuid(record.spu_uuid, bytes.data());
  base::StoreLittleEndian(record.boot_count, &bytes[kBootCountAt]);
  StoreUuid(record.cluster_id, &bytes[kClusterAt]);
  base::StoreLittleEndian(record.store_epoch, &bytes[kEpochAt]);
  bytes[kFlagsAt] = record.fenced ? kFenced : std::byte{0};
  return bytes;
}

absl::StatusOr<IdentityRecord> Decode(const std::vector<std::byte>& bytes) {
  if (bytes.size() < kFlagsAt) {
    return absl::DataLossError(
        absl::StrFormat("identity of %d bytes, want %d", bytes.size(), kRecordBytes));
  }
  IdentityRecord record;
  record.spu_uuid = LoadUuid(bytes.data());
  record.boot_count = base::LoadLittleEndian<std::uint64_t>(&bytes[kBootCountAt]);
  record.cluster_id = LoadUuid(&bytes[kClusterAt]);
  record.store_epoch = base::LoadLittleEndian<std::uint64_t>(&bytes[kEpochAt]);
  record.fenced = bytes.size() > kFlagsAt && (bytes[kFlagsAt] & kFenced) != std::byte{0};
  return record;
}

// Lock file and slots; both may be there already, or one of them after a kill.
absl::Status Provide(storage::FileSystem& file_system, const std::string& directory) {
  if (absl::Status made = file_system.CreateDirectory(directory);
      !made.ok() && !absl::IsAlreadyExists(made)) {
    return made;
  }
  auto lock = file_system.Open(storage::JoinPath(directory, kLockName), storage::OpenMode::kCreate);
  if (!lock.ok() && !absl::IsAlreadyExists(lock.status())) return lock.status();
  return file_system.SyncDirectory(directory);
}

// A kill during the very first start can leave slots that hold nothing: then they are made anew.
absl::StatusOr<storage::SlotPair> OpenSlots(storage::FileSystem& file_system,
                                            const std::string& directory) {
  const std::string path = storage::JoinPath(directory, kSlotsName);
  auto opened = storage::SlotPair::Open(file_system, path, kKind);
  if (opened.ok() && (opened->newest().has_value() || opened->unreadable_slots() > 0)) {
    return opened;
  }
  if (!opened.ok() && !absl::IsNotFound(opened.status()) && !absl::IsDataLoss(opened.status())) {
    return opened.status();
  }
  const std::string unfinished = path + ".new";
  if (absl::Status removed = file_system.RemoveFile(unfinished);
      !removed.ok() && !absl::IsNotFound(removed)) {
    return removed;
  }
  TM_ASSIGN_OR_RETURN(auto made, storage::SlotPair::Create(file_system, unfinished, kKind));
  IdentityRecord fresh;
  fresh.spu_uuid = base::Uuid::Random();
  TM_RETURN_IF_ERROR(made.Write(Encode(fresh)));
  TM_RETURN_IF_ERROR(file_system.Rename(unfinished, path));
  TM_RETURN_IF_ERROR(file_system.SyncDirectory(directory));
  return made;
}

}  // namespace

absl::StatusOr<std::unique_ptr<IdentityStore>> IdentityStore::Open(storage::FileSystem& file_system,
                                                                   const std::string& directory) {
  const std::string context = absl::StrFormat("open state directory '%s'", directory);
  if (absl::Status provided = Provide(file_system, directory); !provided.ok()) {
    return base::Annotate(provided, context);
  }
  auto lock = file_system.Lock(storage::JoinPath(directory, kLockName));
  if (!lock.ok()) return base::Annotate(lock.status(), context);
  auto slots = OpenSlots(file_system, directory);
  if (!slots.ok()) return base::Annotate(slots.status(), context);
  if (!slots->newest().has_value()) {
    return absl::DataLossError(absl::StrFormat(
        "%s: neither identity slot can be read; a new identity needs `tidemark spu replace`",
        context));
  }
  TM_ASSIGN_OR_RETURN(IdentityRecord record, Decode(*slots->newest()));
  // An unreadable slot may have held a higher count: never give the same one twice.
  record.boot_count += slots->unreadable_slots() > 0 ? 2 : 1;
  std::unique_ptr<IdentityStore> store(
      new IdentityStore(*std::move(lock), *std::move(slots), record));
  if (absl::Status counted = store->Write(record); !counted.ok()) {
    return base::Annotate(counted, context);
  }
  return store;
}

absl::Status IdentityStore::Write(const IdentityRecord& record) {
  TM_RETURN_IF_ERROR(slots_.Write(Encode(record)));
  record_ = record;
  return absl::OkStatus();
}

}  // namespace tidemark::spu
