using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Collections.ObjectModel;

namespace CozeCluster.Grains.Abstractions.Tests.Messages;

/// <summary>Messages hold lists and maps by interface, so whatever a caller fills them with has to cross.</summary>
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
    public void Any_list_crosses(IReadOnlyList<string> list)
    {
        var received = Wire.Again(new LeaseRequest("l", list, null));

        Assert.Equal(list, received.Avoid);
    }

    [Theory]
    [MemberData(nameof(Maps), DisableDiscoveryEnumeration = true)]
    public void Any_map_crosses(IReadOnlyDictionary<string, string> map)
    {
        var received = Wire.Again(new ReplyOrigin("b", "coze", map));

        Assert.Equal(map, received.Ids);
    }

    [Fact]
    public void A_list_is_a_result_too()
    {
        IReadOnlyList<HealthEntry> sent = [new(HealthKind.Bot, "b", HealthState.Ok), new(HealthKind.Account, "a", HealthState.Ok)];

        Assert.Equal(sent, Wire.Again(sent));
    }
}
