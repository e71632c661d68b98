using System.Reflection;
using CozeCluster.Discord;
using CozeCluster.Grains;
using Orleans.Concurrency;
using Orleans.Placement;

namespace CozeCluster.Architecture.Tests;

/// <summary>Every grain class declares its type name, its placement and the names of its states.</summary>
public sealed class GrainsTests
{
    /// <summary>Grains that activate on the silo that calls them first. All others are distributed by the number of activations.</summary>
    private static readonly Type[] PreferLocal = [typeof(ConversationGrain), typeof(AccountGrain), typeof(ModelTaskGrain)];

    /// <summary>Grains that every silo activates for itself.</summary>
    private static readonly Type[] OnEverySilo =
        [typeof(StorageHealthGrain), typeof(TurnLogGrain), typeof(UsageGrain), typeof(RouteGrain), typeof(AuditLogGrain)];

    private static readonly Assembly[] Assemblies = [typeof(ConversationGrain).Assembly, typeof(DiscordSessionGrain).Assembly];

    private static readonly Type[] Classes =
        [.. Assemblies.SelectMany(assembly => assembly.GetTypes()).Where(type => type.IsAssignableTo(typeof(Grain)) && !type.IsAbstract)];

    public static TheoryData<string> Grains => [.. Classes.Select(type => type.Name)];

    [Fact]
    public void Grains_are_found() => Assert.All([.. PreferLocal, typeof(DiscordSessionGrain)], grain => Assert.Contains(grain, Classes));

    [Theory]
    [MemberData(nameof(Grains))]
    public void A_grain_has_the_placement_in_the_table(string name)
    {
        var grain = ByName(name);
        var expected = PreferLocal.Contains(grain) ? typeof(PreferLocalPlacementAttribute)
            : OnEverySilo.Contains(grain) ? typeof(StatelessWorkerAttribute)
            : typeof(ActivationCountBasedPlacementAttribute);

        Assert.Equal(expected, Assert.Single(grain.GetCustomAttributes<PlacementAttribute>()).GetType());
    }

    /// <summary>Without it, Orleans would store the name of the class, which then could not be changed.</summary>
    [Theory]
    [MemberData(nameof(Grains))]
    public void A_grain_has_an_explicit_type_name(string name) => Assert.NotNull(ByName(name).GetCustomAttribute<GrainTypeAttribute>());

    [Fact]
    public void Type_names_are_unique() =>
        AssertUnique(Classes.Select(grain => grain.GetCustomAttribute<GrainTypeAttribute>()!.GetGrainType(null!, grain).ToString()!));

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
