using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Collections.ObjectModel;

namespace CozeCluster.Grains.Abstractions.Tests;

/// <summary>Messages declare lists and maps by interface, so every implementation must be serializable.</summary>
public sealed class CollectionTests
{
    public static TheoryData<IReadOnlyList<string>> Lists => new(
        [], ["a"], ["a", "b"], new[] { "a", "b" }, new List<string> { "a", "b" }, new ReadOnlyCollection<string>(["a", "b"]), ImmutableArray.Create("a", "b"),
        ImmutableList.Create("a", "b"), new ArraySegment<string>(["a", "b", "c"], 1, 2));

    public static TheoryData<IReadOnlyDictionary<string, string>> Maps
    {
        get
        {
            var map = new Dictionary<string, string> { ["a"] = "b" };
            IReadOnlyDictionary<string, string>[] maps =
            [
                map, ReadOnlyDictionary<string, string>.Empty, map.AsReadOnly(), map.ToFrozenDictionary(), map.ToImmutableDictionary(),
                new SortedDictionary<string, string>(map),
            ];
            return new(maps);
        }
    }

    [Theory]
    [MemberData(nameof(Lists), DisableDiscoveryEnumeration = true)]
    public void Every_kind_of_list_is_sent(IReadOnlyList<string> list)
    {
        var received = Wire.RoundTrip(new LeaseRequest("l", list, null));

        Assert.Equal(list, received.Avoid);
    }

    [Theory]
    [MemberData(nameof(Maps), DisableDiscoveryEnumeration = true)]
    public void Every_kind_of_map_is_sent(IReadOnlyDictionary<string, string> map)
    {
        var received = Wire.RoundTrip(new ReplyOrigin("b", "coze", map));

        Assert.Equal(map, received.Ids);
    }

    [Fact]
    public void A_list_can_be_a_result()
    {
        IReadOnlyList<HealthEntry> sent = [new(HealthKind.Bot, "b", HealthState.Ok), new(HealthKind.Account, "a", HealthState.Ok)];

        Assert.Equal(sent, Wire.RoundTrip(sent));
    }
}
