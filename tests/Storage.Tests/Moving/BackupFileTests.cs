using System.Text;

namespace CozeCluster.Storage.Tests.Moving;

public sealed class BackupFileTests : IDisposable
{
    private readonly TestFolder _folder = new();

    private string File => _folder["backup"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Create_Always_WritesAFileForItsOwnerOnlyThatSaysWhatItIs()
    {
        await SampleRows.CopyToFileAsync(new MemorySource(SampleRows.All), File);

        Assert.Equal(["backup"], _folder.Names);
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(File));
        var header = System.IO.File.ReadLines(File).First();
        Assert.StartsWith("""{"format":"cozecluster-backup","version":3,"createdAt":"2""", header, StringComparison.Ordinal);
        Assert.Contains(""""source":{"kind":"sqlite","schema":"""", header, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_FileExists_IsRefusedAndKeepsIt()
    {
        await System.IO.File.WriteAllTextAsync(File, "precious");

        var error = Assert.Throws<ClusterException>(() => BackupFileTarget.Create(File, SampleRows.Origin, TimeProvider.System));

        Assert.Equal(ErrorCode.StateConflict, error.Code);
        Assert.Equal("precious", await System.IO.File.ReadAllTextAsync(File));
        Assert.Equal(["backup"], _folder.Names);
    }

    [Fact]
    public void Create_FolderIsMissing_IsRefused() => Assert.Contains(
        "cannot be written",
        Assert.Throws<ClusterException>(() => BackupFileTarget.Create(_folder["no/backup"], SampleRows.Origin, TimeProvider.System)).Message,
        StringComparison.Ordinal);

    [Fact]
    public async Task Copy_SourceFails_LeavesNothing()
    {
        var error = await Assert.ThrowsAsync<ClusterException>(() => SampleRows.CopyToFileAsync(MemorySource.Failing(SampleRows.All), File));

        Assert.Equal("Nothing was copied: No space left on device", error.Message);
        Assert.Empty(_folder.Names);
    }

    [Fact]
    public async Task Copy_IsCancelled_LeavesNothing()
    {
        using var stop = new CancellationTokenSource();
        var rows = SampleRows.All.Select((row, i) =>
        {
            if (i == 5) stop.Cancel();
            return row;
        });
        await using (var target = BackupFileTarget.Create(File, SampleRows.Origin, TimeProvider.System))
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => StoreCopy.RunAsync(new MemorySource(rows), target, stop.Token));

        Assert.Empty(_folder.Names);
    }

    [Fact]
    public async Task Copy_DiskIsFull_LeavesNothing()
    {
        var target = BackupFileTarget.Create(File, SampleRows.Origin, TimeProvider.System, file => new FullDisk(file, 1_000));

        var error = await Assert.ThrowsAsync<ClusterException>(() => SampleRows.CopyAsync(new MemorySource(SampleRows.All), target));

        Assert.Equal("Nothing was copied: No space left on device", error.Message);
        Assert.Empty(_folder.Names);
    }

    [Fact]
    public async Task Open_FileIsCut_IsRefused()
    {
        await SampleRows.CopyToFileAsync(new MemorySource(SampleRows.All), File);
        var whole = await System.IO.File.ReadAllBytesAsync(File);
        int[] lengths = [0, 1, 10, whole.AsSpan().IndexOf((byte)'\n'), 250, 300, whole.Length / 2, whole.Length - 9, whole.Length - 1];

        Assert.All(lengths, length => AssertRefused(whole[..length]));
        AssertRefused([.. whole, 0]);
    }

    [Fact]
    public async Task Open_AnyByteIsChanged_IsRefused()
    {
        await SampleRows.CopyToFileAsync(new MemorySource([SampleRows.State("a", "b", "{}")]), File);
        var whole = await System.IO.File.ReadAllBytesAsync(File);
        for (var i = 0; i < whole.Length; i++)
        {
            var changed = whole.ToArray();
            changed[i] ^= 0x10;
            AssertRefused(changed);
        }
    }

    [Theory]
    [InlineData("\"version\":3", "\"version\":4", "It has format version 4, but this build reads version 3.")]
    [InlineData("cozecluster-backup", "another-backup", "It is not a backup of CozeCluster.")]
    [InlineData("\"schema\":", "\"schema\":9", "schema version 9")]
    [InlineData("\"kind\":\"sqlite\"", "\"kind\":\"oracle\"", "a oracle storage")]
    public async Task Open_WrittenByAnotherBuild_IsRefused(string text, string replacement, string expected)
    {
        await SampleRows.CopyToFileAsync(new MemorySource(SampleRows.All), File);
        var whole = await System.IO.File.ReadAllBytesAsync(File);
        var end = whole.AsSpan().IndexOf((byte)'\n');
        var header = Encoding.UTF8.GetString(whole[..end]).Replace(text, replacement, StringComparison.Ordinal);
        await using (var file = System.IO.File.Create(File))
        {
            file.Write([.. Encoding.UTF8.GetBytes(header), .. whole[end..]]);
            // The hash is right, so that only the header is wrong.
            if (!header.Contains("another-backup", StringComparison.Ordinal) && !header.Contains("\"version\":4", StringComparison.Ordinal))
                await BackupFile.WriteHashAsync(file, TestContext.Current.CancellationToken);
        }

        var error = await Assert.ThrowsAsync<ClusterException>(() => BackupFileSource.OpenAsync(File));

        Assert.Equal(ErrorCode.InvalidRequest, error.Code);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_NoFile_IsNotFound() =>
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<ClusterException>(() => BackupFileSource.OpenAsync(File))).Code);

    [Fact]
    public void Decode_NotARow_Throws()
    {
        Assert.Throws<InvalidDataException>(() => RowCodec.Decode([]));
        Assert.Throws<InvalidDataException>(() => RowCodec.Decode([99]));
        Assert.Throws<InvalidDataException>(() => RowCodec.Decode([(byte)RowKind.State, 1, 0, 0]));
        Assert.Throws<InvalidDataException>(() => RowCodec.Decode([(byte)RowKind.State, 9, 0, 0, 0]));
        Assert.Throws<InvalidDataException>(() => RowCodec.Decode([(byte)RowKind.Blob, 0, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]));
    }

    private void AssertRefused(byte[] bytes)
    {
        System.IO.File.WriteAllBytes(File, bytes);
        var error = Assert.Throws<ClusterException>(() => BackupFileSource.OpenAsync(File).GetAwaiter().GetResult());
        Assert.Equal(ErrorCode.InvalidRequest, error.Code);
    }

    /// <summary>A file that can contain a number of bytes.</summary>
    private sealed class FullDisk(Stream file, long limit) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => true;

        public override long Length => file.Length;

        public override long Position { get => file.Position; set => file.Position = value; }

        public override void Flush() => file.Flush();

        public override int Read(byte[] buffer, int offset, int count) => file.Read(buffer, offset, count);

        public override long Seek(long offset, SeekOrigin origin) => file.Seek(offset, origin);

        public override void SetLength(long value) => file.SetLength(value);

        public override void Write(byte[] buffer, int offset, int count)
        {
            if (Position + count > limit) throw new IOException("No space left on device");
            file.Write(buffer, offset, count);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) file.Dispose();
            base.Dispose(disposing);
        }
    }
}
