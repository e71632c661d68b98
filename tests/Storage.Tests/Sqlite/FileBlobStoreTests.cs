using System.Text;
using CozeCluster.TestKit;

namespace CozeCluster.Storage.Tests.Sqlite;

public sealed class FileBlobStoreTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("blobs-").FullName;
    private readonly ManualTime _time = new();
    private readonly FileBlobStore _blobs;

    public FileBlobStoreTests() => _blobs = new(Path.Combine(_directory, "blobs"), TimeSpan.FromHours(2), _time);

    [Fact]
    public async Task Open_AfterPut_ReadsTheSameBytes()
    {
        var blob = await _blobs.Put("tenant", "cat.png", "image/png", "meow"u8.ToArray(), default);

        using var reader = new StreamReader(await _blobs.Open(blob, default));

        Assert.Equal("meow", await reader.ReadToEndAsync());
        Assert.Equal(("cat.png", "image/png", 4L), (blob.Name, blob.ContentType, blob.Size));
    }

    [Theory]
    [InlineData("../../etc/passwd", "passwd")]
    [InlineData("C:\\temp\\a.txt", "a.txt")]
    [InlineData("a\r\nb\0.txt", "ab.txt")]
    [InlineData("..", "file")]
    [InlineData("", "file")]
    [InlineData("猫.png", "猫.png")]
    public async Task Put_AnyName_StoresAPlainFileName(string name, string expected) =>
        Assert.Equal(expected, (await _blobs.Put("tenant", name, "text/plain", default, default)).Name);

    [Fact]
    public async Task Put_TwoTenants_UsesFoldersWithoutTheirNames()
    {
        var one = await _blobs.Put("tenant-one", "x", "text/plain", default, default);
        var other = await _blobs.Put("tenant-two", "x", "text/plain", default, default);

        Assert.NotEqual(one.Id.Split('.')[0], other.Id.Split('.')[0]);
        var paths = Directory.EnumerateFileSystemEntries(_directory, "*", SearchOption.AllDirectories);
        Assert.DoesNotContain(paths, path => path.Contains("tenant-", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Put_SameContentAgain_ProlongsTheSameBlob()
    {
        var first = await _blobs.Put("tenant", "cat.png", "image/png", "meow"u8.ToArray(), default);
        _time.Advance(TimeSpan.FromMinutes(90));
        var second = await _blobs.Put("tenant", "again.png", "image/png", "meow"u8.ToArray(), default);
        _time.Advance(TimeSpan.FromMinutes(90));
        _blobs.DeleteExpired();

        Assert.Equal(first.Id, second.Id);
        await using var stream = await _blobs.Open(first, default);
        Assert.Equal(4, stream.Length);
    }

    [Fact]
    public async Task Open_Expired_ThrowsNotFound()
    {
        var blob = await _blobs.Put("tenant", "x.txt", "text/plain", "x"u8.ToArray(), default);
        _time.Advance(TimeSpan.FromHours(2));

        var error = await Assert.ThrowsAsync<ClusterException>(async () => await _blobs.Open(blob, default));

        Assert.Equal(ErrorCode.NotFound, error.Code);
    }

    [Fact]
    public async Task DeleteExpired_ExpiredAndOthers_DeletesOnlyTheExpired()
    {
        await _blobs.Put("tenant", "old", "text/plain", default, default);
        _time.Advance(TimeSpan.FromHours(1));
        var young = await _blobs.Put("tenant", "young", "text/plain", default, default);
        _time.Advance(TimeSpan.FromHours(1));

        _blobs.DeleteExpired();

        Assert.Single(Directory.EnumerateFiles(_directory, "*", SearchOption.AllDirectories));
        await (await _blobs.Open(young, default)).DisposeAsync();
    }

    [Fact]
    public async Task DeleteExpired_UnfinishedUpload_IsDeletedOnlyWhenItIsOld()
    {
        var blob = await _blobs.Put("tenant", "x", "text/plain", default, default);
        var partial = Path.Combine(_directory, "blobs", blob.Id.Split('.')[0], "upload.part");
        await File.WriteAllTextAsync(partial, "half");
        File.SetLastWriteTimeUtc(partial, _time.GetUtcNow().UtcDateTime);

        _blobs.DeleteExpired();
        Assert.True(File.Exists(partial));
        _time.Advance(TimeSpan.FromHours(2));
        _blobs.DeleteExpired();

        Assert.False(File.Exists(partial));
    }

    [Theory]
    [InlineData("")]
    [InlineData("../../secret")]
    [InlineData("00000000000000000000000000.0000000000000000000000000/")]
    [InlineData("../000000000000000000000/.00000000000000000000000000")]
    public async Task Open_InvalidId_ThrowsNotFound(string id)
    {
        await File.WriteAllTextAsync(Path.Combine(_directory, "secret"), "secret");

        var error = await Assert.ThrowsAsync<ClusterException>(async () => await _blobs.Open(new(id, "text/plain", "x", 1), default));

        Assert.Equal(ErrorCode.NotFound, error.Code);
    }

    [Fact]
    public async Task Put_Cancelled_StoresNothing()
    {
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await _blobs.Put("tenant", "x", "text/plain", Encoding.UTF8.GetBytes(new string('x', 100_000)), new CancellationToken(true)));

        Assert.Empty(Directory.EnumerateFiles(_directory, "*", SearchOption.AllDirectories));
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
