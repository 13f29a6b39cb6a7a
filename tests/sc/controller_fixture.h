// A controller, a person who asks it, and an SPU that says what the test wants.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "cli/client/controller_client.h"
#include "tests/support/await.h"
#include "tests/support/sc/fake_spu.h"
#include "tests/support/sc/sc_rig.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_directory.h"

namespace tidemark::sc {

inline constexpr base::Uuid kDisk({1});
inline constexpr base::Uuid kOther({2});

class Admin : public client::ControllerClient {
 public:
  explicit Admin(const std::string& target) : ControllerClient(target, support::kLongWait) {}

  absl::StatusOr<v1::CreateTopicResponse> Create(const std::string& name, int partitions) const {
    v1::CreateTopicRequest request;
    request.set_name(name);
    request.set_partitions(partitions);
    return CreateTopic(request);
  }
  std::vector<v1::Topic> Topics() const {
    const auto response = ListTopics();
    if (!response.ok()) return {};
    return {response->topics().begin(), response->topics().end()};
  }
  // The first one of the topic; empty if there is none.
  v1::Partition Partition(const std::string& topic) const {
    const auto response = ListPartitions(topic);
    return response.ok() && response->partitions_size() > 0 ? response->partitions(0)
                                                            : v1::Partition();
  }
  v1::PartitionStatus StatusOf(const std::string& topic) const { return Partition(topic).status(); }
  std::vector<v1::Event> Events(const std::string& contains) const {
    v1::ListEventsRequest request;
    request.set_contains(contains);
    const auto response = ListEvents(request);
    if (!response.ok()) return {};
    return {response->events().begin(), response->events().end()};
  }
};

inline bool Acked(const std::optional<v1::AttachResponse>& answer) {
  return answer.has_value() && answer->has_report_ack();
}

inline bool Welcomed(const std::optional<v1::AttachResponse>& answer) {
  return answer.has_value() && answer->has_welcome();
}

inline v1::ReportRefusal RefusalOf(const std::optional<v1::AttachResponse>& answer) {
  return answer.has_value() && answer->has_report_nack() ? answer->report_nack().reason()
                                                         : v1::REPORT_REFUSAL_UNSPECIFIED;
}

inline testing::AssertionResult Becomes(const Admin& admin, const std::string& topic,
                                        v1::PartitionStatus status) {
  return support::WaitFor([&] { return admin.StatusOf(topic) == status; }, support::kLongWait,
                          v1::PartitionStatus_Name(status));
}

// A topic "orders" of one partition, Online on kDisk.
inline void BringOnline(support::FakeSpu& spu, const Admin& admin) {
  ASSERT_TRUE(Welcomed(spu.Attach()));
  ASSERT_TRUE(Acked(spu.Say(spu.Ready(kDisk, 1))));
  ASSERT_OK(admin.Create("orders", 1));
  ASSERT_TRUE(Becomes(admin, "orders", v1::PARTITION_STATUS_ONLINE));
}

class ControllerTest : public ::testing::Test {
 protected:
  support::TempDirectory root_;
  const std::string data_ = root_.File("sc");
};

}  // namespace tidemark::sc
