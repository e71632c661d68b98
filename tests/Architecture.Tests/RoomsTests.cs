namespace CozeCluster.Architecture.Tests;

/// <summary>The table of rooms in <c>docs/architecture.md</c>: what each project under <c>src</c> may use of the others.</summary>
public sealed class RoomsTests
{
    private static readonly Dictionary<string, string[]> MayUse = new()
    {
        ["Grains.Abstractions"] = [],
        ["Grains"] = ["Grains.Abstractions"],
        ["Storage"] = ["Grains.Abstractions"],
        ["Upstreams"] = ["Grains.Abstractions"],
        ["Discord"] = ["Grains.Abstractions", "Grains", "Upstreams"],
        ["Gateway"] = ["Grains.Abstractions"],
        ["Console"] = ["Grains.Abstractions"],
        ["Silo"] = ["Grains.Abstractions", "Grains", "Storage", "Upstreams", "Discord", "Gateway", "Console", "Sandbox"],
        ["Sandbox"] = [],
    };

    /// <summary>Where grains, and the classes that run on their schedulers, are. The other folders of Discord hold code that runs on pool threads.</summary>
    private static readonly string[] GrainFolders = ["src/Grains/", "src/Discord/Channels/", "src/Discord/Sessions/"];

    public static TheoryData<string> Rooms => [.. House.Rooms.Select(room => room.Name)];

    [Theory]
    [MemberData(nameof(Rooms))]
    public void A_room_uses_only_the_rooms_it_may(string name)
    {
        Assert.True(MayUse.ContainsKey(name), $"{name} is a new room: say in docs/architecture.md and here what it may use.");

        Assert.Empty(House.Rooms.Single(room => room.Name == name).Projects.Except(MayUse[name]));
    }

    [Fact]
    public void Abstractions_needs_no_package_but_Orleans_Sdk() =>
        Assert.Equal(["Microsoft.Orleans.Sdk"], House.Rooms.Single(room => room.Name == "Grains.Abstractions").Packages);

    /// <summary>These know Orleans by the interfaces of the grains alone.</summary>
    [Theory]
    [InlineData("Gateway")]
    [InlineData("Upstreams")]
    [InlineData("Sandbox")]
    public void Orleans_is_not_a_package_of_rooms_that_only_call_grains_or_none(string name) =>
        Assert.DoesNotContain(House.Rooms.Single(room => room.Name == name).Packages, package => package.Contains("Orleans", StringComparison.OrdinalIgnoreCase));

    [Fact]
    public void Databases_stay_in_Storage() => Assert.All(
        House.Rooms.Where(room => room.Name != "Storage"),
        room => Assert.DoesNotContain(room.Packages, package => package.Contains("Sqlite", StringComparison.OrdinalIgnoreCase) || package.StartsWith("Npgsql", StringComparison.Ordinal)));

    /// <summary>A continuation off the grain's scheduler may run beside another call of the same grain. The courier is no grain, and sends on a thread of its own.</summary>
    [Fact]
    public void Grains_stay_on_their_scheduler() => Assert.Equal(
        ["src/Grains/Runtime/ReplyCourier.cs"],
        SourceFiles().Where(path => IsInGrainFolder(path) && Code.LeavesScheduler(House.Read(path))));

    [Fact]
    public void Grains_are_in_folders_whose_code_stays_on_the_scheduler() => Assert.All(
        SourceFiles().Where(path => House.Read(path).Contains("[GrainType(", StringComparison.Ordinal)),
        path => Assert.True(IsInGrainFolder(path), $"{path} contains a grain."));

    [Fact]
    public void A_source_file_has_at_most_400_lines() => Assert.DoesNotContain(
        House.TrackedFiles().Where(path => path.StartsWith("src/", StringComparison.Ordinal)).Select(path => (path, House.Read(path).Count(c => c == '\n'))),
        file => file.Item2 > 400);

    [Theory]
    [MemberData(nameof(Rooms))]
    public void A_room_has_tests(string name) => Assert.Contains(House.AllProjects, project => project.Path == $"tests/{name}.Tests/{name}.Tests.csproj");

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        var solution = House.Read("CozeCluster.sln").Replace('\\', '/');

        Assert.All(House.AllProjects, project => Assert.Contains($"\"{project.Path}\"", solution));
    }

    [Fact]
    public void No_project_pins_a_version_of_its_own() => Assert.DoesNotContain(
        House.AllProjects, project => House.Read(project.Path).Contains(" VersionOverride=", StringComparison.Ordinal));

    private static IEnumerable<string> SourceFiles() =>
        House.TrackedFiles().Where(path => path.StartsWith("src/", StringComparison.Ordinal) && path.EndsWith(".cs", StringComparison.Ordinal));

    private static bool IsInGrainFolder(string path) => GrainFolders.Any(folder => path.StartsWith(folder, StringComparison.Ordinal));
}
