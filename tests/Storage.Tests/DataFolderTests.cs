namespace CozeCluster.Storage.Tests;

/// <summary>Other users of the machine cannot read the data of a node.</summary>
public sealed class DataFolderTests : StoreFolder
{
    private const UnixFileMode OwnerFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnerFolder = OwnerFile | UnixFileMode.UserExecute;
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private string Data => Path.Combine(Folder, "new", "data");

    [Fact]
    public async Task Open_NewDirectory_IsForItsOwnerOnly()
    {
        if (OperatingSystem.IsWindows()) return;
        var store = Open(Data);
        await Save(store, "saved");
        await store.Blobs.Put("tenant", "x", "text/plain", "x"u8.ToArray(), TestContext.Current.CancellationToken);

        AssertPrivate();

        Assert.DoesNotContain(Log.All, line => line.Contains("permissions", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Open_DirectoryThatOthersCanRead_IsMadePrivateWithOneLine()
    {
        if (OperatingSystem.IsWindows()) return;
        var first = Open(Data);
        await first.Blobs.Put("tenant", "x", "text/plain", "x"u8.ToArray(), TestContext.Current.CancellationToken);
        first.Dispose();
        await File.WriteAllTextAsync(Path.Combine(Data, DataFolder.SecretsKeyFile), "key", TestContext.Current.CancellationToken);
        foreach (var path in Directory.EnumerateFileSystemEntries(Data, "*", SearchOption.AllDirectories).Append(Data))
            File.SetUnixFileMode(path, File.GetUnixFileMode(path) | Others);
        var own = Path.Combine(Folder, "new", "data", "fleet.yaml");
        await File.WriteAllTextAsync(own, "", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(own, OwnerFile | Others);

        Open(Data);

        Assert.Equal(OwnerFile | Others, File.GetUnixFileMode(own));
        File.Delete(own);
        AssertPrivate();
        Assert.Single(Log.All, line => line == $"Warning: Removed the permissions of other users from 8 files and folders of {Data}.");
    }

    [Fact]
    public void MakePrivate_FolderThatAllUsersShare_IsNotChanged()
    {
        if (OperatingSystem.IsWindows()) return;
        var shared = Directory.CreateDirectory(Path.Combine(Folder, "shared")).FullName;
        const UnixFileMode mode = OwnerFolder | Others | UnixFileMode.OtherWrite | UnixFileMode.StickyBit;
        File.SetUnixFileMode(shared, mode);

        Assert.Contains($"Other users of this machine may be able to read {shared}", DataFolder.MakePrivate(shared), StringComparison.Ordinal);

        Assert.Equal(mode, File.GetUnixFileMode(shared));
    }

    private void AssertPrivate()
    {
        if (OperatingSystem.IsWindows()) return;
        var paths = Directory.EnumerateFileSystemEntries(Data, "*", SearchOption.AllDirectories).Append(Data).ToList();
        Assert.InRange(paths.Count, 8, 20);
        foreach (var path in paths)
            Assert.Equal((path, Directory.Exists(path) ? OwnerFolder : OwnerFile), (path, File.GetUnixFileMode(path)));
    }
}
