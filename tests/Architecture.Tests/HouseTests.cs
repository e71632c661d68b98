namespace CozeCluster.Architecture.Tests;

/// <summary>The tests over the house look at something, and see what they should.</summary>
public sealed class HouseTests
{
    [Fact]
    public void A_project_file_tells_what_it_references()
    {
        var project = ProjectFile.Parse("src/A/A.csproj", """
            <Project>
              <ItemGroup Condition="'$(Some)' == 'true'"><ProjectReference Include="..\B\B.csproj" /></ItemGroup>
              <ItemGroup><PackageReference Include="P" /><PackageReference Include="Q" PrivateAssets="all" /></ItemGroup>
            </Project>
            """);

        Assert.Equal("A", project.Name);
        Assert.Equal(["B"], project.Projects);
        Assert.Equal(["P"], project.Packages);
    }

    [Fact]
    public void The_house_has_files_and_rooms()
    {
        Assert.Contains("CozeCluster.sln", House.TrackedFiles());
        Assert.Contains(House.Rooms, room => room.Name == "Grains.Abstractions");
        Assert.Contains(House.AllProjects, project => project.Name == "Architecture.Tests");
    }

    [Theory]
    [InlineData("await x.ConfigureAwait(false);", true)]
    [InlineData("Task.Run(() => 1);", true)]
    [InlineData("await x; // never ConfigureAwait(false)", false)]
    [InlineData("/* ConfigureAwait(false) */ await x;", false)]
    [InlineData("/// <summary>No .ConfigureAwait(false)</summary>", false)]
    [InlineData("RunBackground(Pump);", false)]
    public void Leaving_the_scheduler_is_seen_in_code_and_not_in_comments(string source, bool leaves) => Assert.Equal(leaves, Code.LeavesScheduler(source));
}
