using System.Reflection;
using CozeCluster.Discord;
using CozeCluster.Grains;
using Orleans.Placement;

namespace CozeCluster.Architecture.Tests;

/// <summary>What every grain class declares: its name, its placement, and the names of its states.</summary>
public sealed class GrainsTests
{
    /// <summary>Grains that are activated on the silo that calls them first. All others are spread over the silos by their number.</summary>
    private static readonly Type[] PreferLocal = [typeof(ConversationGrain), typeof(AccountGrain)];

    private static readonly Assembly[] Assemblies = [typeof(ConversationGrain).Assembly, typeof(DiscordSessionGrain).Assembly];

    private static readonly Type[] Classes =
        [.. Assemblies.SelectMany(assembly => assembly.GetTypes()).Where(type => type.IsAssignableTo(typeof(Grain)) && !type.IsAbstract)];

    public static TheoryData<string> Grains => [.. Classes.Select(type => type.Name)];

    [Fact]
    public void There_are_grains() => Assert.All([.. PreferLocal, typeof(DiscordSessionGrain)], grain => Assert.Contains(grain, Classes));

    [Theory]
    [MemberData(nameof(Grains))]
    public void A_grain_has_the_placement_of_the_table(string name)
    {
        var grain = ByName(name);
        var expected = PreferLocal.Contains(grain) ? typeof(PreferLocalPlacementAttribute) : typeof(ActivationCountBasedPlacementAttribute);

        Assert.Equal(expected, Assert.Single(grain.GetCustomAttributes<PlacementAttribute>()).GetType());
    }

    /// <summary>The name of its class would be stored otherwise, and could not be changed.</summary>
    [Theory]
    [MemberData(nameof(Grains))]
    public void A_grain_has_a_type_name_of_its_own(string name) => Assert.NotNull(ByName(name).GetCustomAttribute<GrainTypeAttribute>());

    [Fact]
    public void Type_names_are_unique() => AssertUnique(Classes.Select(grain => grain.GetCustomAttribute<GrainTypeAttribute>()!.GetGrainType(null!, grain).ToString()!));

    [Fact]
    public void Names_of_states_are_unique() => AssertUnique(Classes
        .SelectMany(grain => grain.GetConstructors())
        .SelectMany(constructor => constructor.GetParameters())
        .Select(parameter => parameter.GetCustomAttribute<PersistentStateAttribute>()?.StateName)
        .OfType<string>());

    private static Type ByName(string name) => Classes.Single(grain => grain.Name == name);

    private static void AssertUnique(IEnumerable<string> names)
    {
        var all = names.ToList();

        Assert.NotEmpty(all);
        Assert.Equal(all.Distinct(), all);
    }
}
