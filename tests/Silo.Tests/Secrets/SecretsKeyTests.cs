using CozeCluster.Silo.Hosting;
using CozeCluster.Silo.Secrets;

namespace CozeCluster.Silo.Tests.Secrets;

public sealed class SecretsKeyTests : IDisposable
{
    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("data-");

    private string KeyFile => Path.Combine(_data.FullName, SecretsKey.FileName);

    public void Dispose() => _data.Delete(recursive: true);

    [Fact]
    public void Load_FirstStart_CreatesAFileThatOnlyTheOwnerCanRead()
    {
        var key = SecretsKey.Load(null, _data.FullName);

        Assert.Equal(32, Assert.Single(key).Length);
        Assert.Equal(key, SecretsKey.Load(null, _data.FullName));
        Assert.Equal([KeyFile], Directory.GetFiles(_data.FullName));
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(KeyFile));
    }

    [Fact]
    public async Task Load_ManyFirstStartsAtOnce_UseTheSameKey()
    {
        var keys = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => Convert.ToBase64String(SecretsKey.Load(null, _data.FullName)[0]))));

        Assert.Single(keys.Distinct());
        Assert.Equal([KeyFile], Directory.GetFiles(_data.FullName));
    }

    [Fact]
    public void Load_Variable_IsUsedWithoutAFile()
    {
        var key = Enumerable.Range(0, 32).Select(i => (byte)i).ToArray();

        Assert.Equal([key], SecretsKey.Load(Convert.ToBase64String(key) + "\n", _data.FullName));
        Assert.Empty(Directory.GetFiles(_data.FullName));
    }

    [Theory]
    [InlineData("secret")]
    [InlineData("c2hvcnQ=")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,secret")]
    public void Load_InvalidVariable_IsRefusedWithoutRepeatingIt(string variable)
    {
        var error = Assert.Throws<StartException>(() => SecretsKey.Load(variable, _data.FullName));

        Assert.Contains(Settings.SecretsKey.Variable, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(variable, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_DamagedFile_IsRefusedAndKept()
    {
        SecretsKey.Load(null, _data.FullName);
        File.WriteAllText(KeyFile, "damaged");

        Assert.Throws<StartException>(() => SecretsKey.Load(null, _data.FullName));
        Assert.Equal("damaged", File.ReadAllText(KeyFile));
    }

    [Fact]
    public void Load_FileThatOthersCanRead_IsRefused()
    {
        if (OperatingSystem.IsWindows()) return;
        SecretsKey.Load(null, _data.FullName);
        File.SetUnixFileMode(KeyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);

        Assert.Contains("chmod 600", Assert.Throws<StartException>(() => SecretsKey.Load(null, _data.FullName)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_SeveralKeysInTheVariable_AreInTheirOrder()
    {
        var keys = new[] { Enumerable.Repeat((byte)1, 32).ToArray(), Enumerable.Repeat((byte)2, 32).ToArray() };

        Assert.Equal(keys, SecretsKey.Load(string.Join(" , ", keys.Select(Convert.ToBase64String)), _data.FullName));
    }

    [Fact]
    public void Add_KeepsTheOtherKeysAndThePermissions()
    {
        var first = SecretsKey.Load(null, _data.FullName)[0];

        var second = SecretsKey.Add(_data.FullName);
        var third = SecretsKey.Add(_data.FullName);

        Assert.Equal([first, second, third], SecretsKey.Load(null, _data.FullName));
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(KeyFile));
    }

    [Theory]
    [InlineData("A")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public void Load_KeyThatACrashHasCut_IsIgnoredAndAnotherOneCanBeAdded(string cut)
    {
        var first = SecretsKey.Load(null, _data.FullName)[0];
        File.AppendAllText(KeyFile, cut);

        Assert.Equal([first], SecretsKey.Load(null, _data.FullName));
        var added = SecretsKey.Add(_data.FullName);
        Assert.Equal([first, added], SecretsKey.Load(null, _data.FullName));
    }
}
