namespace CozeCluster.Architecture.Tests;

/// <summary>The table of rooms in <c>docs/architecture.md</c>: which projects each project under <c>src</c> may reference.</summary>
public sealed class RoomsTests
{
    private static readonly Dictionary<string, string[]> MayReference = new()
    {
        ["Grains.Abstractions"] = [],
        ["Grains"] = ["Grains.Abstractions"],
        ["Storage"] = ["Grains.Abstractions"],
        ["Upstreams"] = ["Grains.Abstractions"],
        ["Discord"] = ["Grains.Abstractions", "Grains", "Upstreams"],
        ["Gateway"] = ["Grains.Abstractions"],
        ["Console"] = ["Grains.Abstractions"],
        ["Silo"] = ["Grains.Abstractions", "Grains", "Storage", "Upstreams", "Discord", "Gateway", "Console", "Migration", "Sandbox"],
        ["Migration"] = [],
        ["Sandbox"] = [],
        ["Client"] = [],
    };

    /// <summary>Where grains, and the classes that run on their schedulers, are. The other folders of Discord hold code that runs on pool threads.</summary>
    private static readonly string[] GrainFolders = ["src/Grains/", "src/Discord/Channels/", "src/Discord/Sessions/"];

    public static TheoryData<string> Rooms => [.. Repository.Rooms.Select(room => room.Name)];

    [Theory]
    [MemberData(nameof(Rooms))]
    public void A_room_references_only_the_rooms_that_it_may(string name)
    {
        Assert.True(MayReference.ContainsKey(name), $"{name} is a new room. Add what it may reference to docs/architecture.md and to this test.");

        Assert.Empty(Repository.Rooms.Single(room => room.Name == name).Projects.Except(MayReference[name]));
    }

    [Fact]
    public void Abstractions_references_no_package_but_Orleans_Sdk() =>
        Assert.Equal(["Microsoft.Orleans.Sdk"], Repository.Rooms.Single(room => room.Name == "Grains.Abstractions").Packages);

    /// <summary>These rooms use Orleans only through the interfaces of grains, or not at all.</summary>
    [Theory]
    [InlineData("Gateway")]
    [InlineData("Upstreams")]
    [InlineData("Sandbox")]
    public void A_room_without_grains_references_no_package_of_Orleans(string name) => Assert.DoesNotContain(
        Repository.Rooms.Single(room => room.Name == name).Packages, package => package.Contains("Orleans", StringComparison.OrdinalIgnoreCase));

    [Fact]
    public void Only_Storage_references_databases() => Assert.DoesNotContain(
        Repository.Rooms.Where(room => room.Name != "Storage").SelectMany(room => room.Packages),
        package => package.Contains("Sqlite", StringComparison.OrdinalIgnoreCase) || package.StartsWith("Npgsql", StringComparison.Ordinal));

    /// <summary>
    /// A continuation that leaves the grain's scheduler can run concurrently with another call of the same grain. The courier and the view of the fleet are not
    /// grains, and have work of their own.
    /// </summary>
    [Fact]
    public void Grains_stay_on_their_scheduler() => Assert.Equal(
        ["src/Grains/Fleet/FleetView.cs", "src/Grains/Runtime/ReplyCourier.cs"],
        Repository.CSharpFiles("src/").Where(path => IsInGrainFolder(path) && SourceCode.LeavesScheduler(Repository.Read(path))));

    [Fact]
    public void Grains_are_in_folders_whose_code_stays_on_the_scheduler() => Assert.All(
        Repository.CSharpFiles("src/").Where(path => Repository.Read(path).Contains("[GrainType(", StringComparison.Ordinal)),
        path => Assert.True(IsInGrainFolder(path), $"{path} contains a grain."));

    [Fact]
    public void A_source_file_has_at_most_400_lines() => Assert.DoesNotContain(
        Repository.TrackedFiles().Where(path => path.StartsWith("src/", StringComparison.Ordinal)), path => Repository.Read(path).Count(c => c == '\n') > 400);

    [Theory]
    [MemberData(nameof(Rooms))]
    public void A_room_has_tests(string name) => Assert.Contains(Repository.AllProjects, project => project.Path == $"tests/{name}.Tests/{name}.Tests.csproj");

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        var solution = Repository.Read("CozeCluster.sln").Replace('\\', '/');

        Assert.All(Repository.AllProjects, project => Assert.Contains($"\"{project.Path}\"", solution));
    }

    [Fact]
    public void No_project_overrides_the_version_of_a_package() => Assert.DoesNotContain(
        Repository.AllProjects, project => Repository.Read(project.Path).Contains(" VersionOverride=", StringComparison.Ordinal));

    private static bool IsInGrainFolder(string path) => GrainFolders.Any(folder => path.StartsWith(folder, StringComparison.Ordinal));
}
