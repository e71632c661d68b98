using CozeCluster.TestKit;

namespace CozeCluster.Storage.Tests;

/// <summary>A data directory of one test, and stores on it.</summary>
public abstract class StoreFolder : IDisposable
{
    private readonly List<SqliteStore> _stores = [];

    protected string Folder { get; } = Directory.CreateTempSubdirectory("store-").FullName;

    protected string Database => Path.Combine(Folder, SqliteSchema.FileName);

    protected string WriteAheadLog => Database + "-wal";

    protected ManualTime Time { get; } = new();

    private protected LogLines<SqliteStore> Log { get; } = new();

    public void Dispose()
    {
        foreach (var store in _stores) store.Dispose();
        Directory.Delete(Folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    private protected SqliteStore Open(string? directory = null, Durability durability = Durability.Machine)
    {
        var store = new SqliteStore(new SqliteStorageOptions { DataDirectory = directory ?? Folder, Durability = durability }, Time, Log);
        _stores.Add(store);
        store.Open();
        return store;
    }

    /// <summary>Copies the files of a directory as they are now: what a killed process leaves.</summary>
    protected string Crash()
    {
        var copy = Directory.CreateDirectory(Path.Combine(Folder, $"crashed-{Guid.NewGuid():n}")).FullName;
        foreach (var file in Directory.EnumerateFiles(Folder))
        {
            if (!file.EndsWith("-shm", StringComparison.Ordinal) && !file.EndsWith(DirectoryLock.FileName, StringComparison.Ordinal))
                File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }
        return copy;
    }

    private protected static Task Save(SqliteStore store, string key, int bytes = 1) => store.Save("state", key, 0, new byte[bytes]);

    private protected static bool Has(SqliteStore store, string key) => store.Read(reader => reader.ReadState("state", key)) is not null;
}
